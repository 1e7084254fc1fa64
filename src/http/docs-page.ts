import { createHash } from 'node:crypto';
import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import { exampleOf, referenceOf, resolve, type Schemas, typeOf } from './docs-schema.ts';
import { DOCS_STYLE } from './docs-style.ts';
import { ERROR_TEXT } from './error-text.ts';
import type { JsonSchema } from './json-schema.ts';
import type { OpenApiDocument, Operation } from './openapi-shapes.ts';

export interface DocsPage {
  readonly html: string;
  /** Allows this page's one style sheet and nothing else: no script, no network. */
  readonly contentSecurityPolicy: string;
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** A gate across a road: what a sekisho was. */
const GATE =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 5c6 1.6 14 1.6 20 0M4 10h16M7 6.2V21M17 6.2V21"/></svg>';

const WHO: Readonly<Record<string, string>> = {
  anyone: 'Anyone',
  holder: 'Whoever holds the token',
  user: 'Any user who is logged in',
  admin: 'Administrators of the tenant',
  gateway: 'Gateways, on behalf of a request',
  client: 'Service clients',
};

/** Renders an OpenAPI document for people: one page, without a script, that loads nothing. */
export function renderDocsPage(document: OpenApiDocument): DocsPage {
  const entries = entriesOf(document);
  const groups = document.tags.map(({ name }) => ({
    name,
    entries: entries.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const { schemas } = document.components;
  const base = (document.servers[0]?.url ?? '/').replace(/\/$/, '');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sekisho HTTP API</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<a class="skip" href="#top">To the content</a>
<div class="frame">
<nav aria-label="Routes"><a class="brand" href="#top">${GATE}Sekisho</a><div>
${groups.map(navOf).join('\n')}
<section><h2><a href="#objects">Reference</a></h2><ul><li><a href="#objects">Objects</a></li><li><a href="#errors">Errors</a></li></ul></section>
</div></nav>
<main id="top">
${headerOf(document, base)}
${groups.map((group) => groupOf(group.name, group.entries, schemas, base)).join('\n')}
${objectsOf(schemas)}
${errorsOf()}
<footer>Made from the schemas that validate. For programs: <a href="${base}/openapi.json">openapi.json</a>.</footer>
</main>
</div>
</body>
</html>
`;
  const hash = createHash('sha256').update(DOCS_STYLE).digest('base64');
  return {
    html,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${hash}'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

/** A route that takes any method is one entry. */
function entriesOf(document: OpenApiDocument): readonly Entry[] {
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    const all = Object.entries(methods);
    const [first] = all;
    if (first?.[1]['x-who'] === 'gateway') return [{ method: 'any', path, operation: first[1] }];
    return all.map(([method, operation]) => ({ method, path, operation }));
  });
}

const groupAnchorOf = (name: string) => `group-${name.toLowerCase().replace(/\W+/g, '-')}`;

const anchorOf = ({ operation }: Entry) => operation.operationId.replace(/[^\w]+/g, '-');

function navOf(group: { readonly name: string; readonly entries: readonly Entry[] }): string {
  const items = group.entries.map(
    (entry) => `<li><a href="#${anchorOf(entry)}">${text(entry.operation.summary)}</a></li>`,
  );
  return `<section><h2><a href="#${groupAnchorOf(group.name)}">${escapeHtml(group.name)}</a></h2><ul>${items.join('')}</ul></section>`;
}

function headerOf({ info }: OpenApiDocument, base: string): string {
  return `<header>
<h1>HTTP API</h1>
<p class="version">Version ${escapeHtml(info.version)} · <a href="${base}/openapi.json">OpenAPI 3.1</a></p>
<p>${text(info.description)}</p>
<div class="intro">
<div><h3>Log in, then call</h3><p>${text('`POST /v1/login` gives an access token for some minutes and a refresh token for the session. On `token_expired` or `token_superseded`, refresh and repeat.')}</p></div>
<div><h3>Revoked means everywhere</h3><p>${text('A revoking call answers 200 once no node accepts the tokens any more, and 202 with a `deadline` while that is not known of all of them.')}</p></div>
<div><h3>An outage is no logout</h3><p>${text('A store that is down is 503 with `Retry-After`, never 401. Switch on `code`; sentences may change.')}</p></div>
</div>
</header>`;
}

function groupOf(name: string, entries: readonly Entry[], schemas: Schemas, base: string): string {
  return `<section id="${groupAnchorOf(name)}"><h2>${escapeHtml(name)}</h2>
${entries.map((entry) => articleOf(entry, schemas, base)).join('\n')}
</section>`;
}

/** The anchor stands inside of `details`, so that following a link opens it (HTML, ancestor details revealing). */
function articleOf(entry: Entry, schemas: Schemas, base: string): string {
  const { method, path, operation } = entry;
  const [body] = Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema);
  return `<article><details><summary><span class="badge ${method}">${method.toUpperCase()}</span><span class="path">${escapeHtml(base + path)}</span><span class="what">${text(operation.summary)}</span></summary>
<div class="inside" id="${anchorOf(entry)}">
<span class="who">${WHO[operation['x-who']] ?? ''}</span>
${operation.description === '' ? '' : `<p>${text(operation.description)}</p>`}
${parametersOf(operation)}
${body === undefined ? '' : `<h4>Body</h4>${fieldsOf(resolve(body, schemas), schemas)}`}
${examplesOf(entry, body, schemas, base)}
${answersOf(operation, schemas)}
<h4>Errors</h4><ul class="codes">${operation['x-codes'].map(codeOf).join('')}</ul>
</div></details></article>`;
}

function parametersOf({ parameters }: Operation): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(({ name, in: where, required, description, schema }) =>
    rowOf(name, required, `${typeOf(schema)} in ${where}`, description),
  );
  return `<h4>Parameters</h4>${tableOf(rows)}`;
}

/** Rows of an object; members of objects without a name of their own follow with their path. */
function fieldsOf(schema: JsonSchema, schemas: Schemas, prefix = ''): string {
  return tableOf(rowsOf(schema, schemas, prefix));
}

function rowsOf(schema: JsonSchema, schemas: Schemas, prefix: string): readonly string[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const named = referenceOf(member) ?? referenceOf(member.items ?? {});
    const own = rowOf(prefix + name, required.has(name), typeOf(member), member.description);
    const inner = named === null && member.properties !== undefined;
    return [own, ...(inner ? rowsOf(member, schemas, `${prefix}${name}.`) : [])];
  });
}

function rowOf(name: string, required: boolean, type: string, description = ''): string {
  const mark = required ? '<small title="required">required</small>' : '';
  return `<tr><td class="name"><code>${escapeHtml(name)}</code>${mark}</td><td class="type">${escapeHtml(type)}</td><td>${text(description)}</td></tr>`;
}

function tableOf(rows: readonly string[]): string {
  return `<div class="scroll"><table><tbody>${rows.join('')}</tbody></table></div>`;
}

function examplesOf(
  { method, path, operation }: Entry,
  body: JsonSchema | undefined,
  schemas: Schemas,
  base: string,
): string {
  const verb = method === 'any' ? 'GET' : method.toUpperCase();
  const target = (base + path).replace(/\{(\w+)\}/g, (_, name: string) =>
    name === 'email'
      ? 'yuki%40acme.example'
      : name === 'path'
        ? 'orders/7'
        : 'hQ2mZ7xW0rTn5bJ8cK1vYA',
  );
  const lines = [`curl${verb === 'GET' ? '' : ` -X ${verb}`} "$SEKISHO${target}"`];
  if (operation.security.some((one) => 'bearer' in one)) {
    lines.push(`-H "Authorization: Bearer $TOKEN"`);
  }
  if (operation['x-who'] === 'client') {
    lines.push('-u "$CLIENT_ID:$CLIENT_SECRET"', '--data-urlencode "token=$TOKEN"');
  } else if (body !== undefined) {
    lines.push('-H "Content-Type: application/json"');
    const example = JSON.stringify(exampleOf(body, schemas, 'required'), null, 2);
    lines.push(`-d '${example.replaceAll("'", "'\\''")}'`);
  }
  const answer = Object.entries(operation.responses).find(
    ([, { content }]) => content?.['application/json'] !== undefined,
  );
  const schema = answer?.[1].content?.['application/json']?.schema;
  const shown =
    schema === undefined
      ? ''
      : `<div><h4>Answer, ${answer?.[0]}</h4><pre><code>${escapeHtml(JSON.stringify(exampleOf(schema, schemas, 'telling'), null, 2))}</code></pre></div>`;
  return `<div class="pair"><div><h4>Request</h4><pre><code>${escapeHtml(lines.join(' \\\n  '))}</code></pre></div>${shown}</div>`;
}

function answersOf({ responses }: Operation, schemas: Schemas): string {
  const rows = Object.entries(responses)
    .filter(([status]) => Number(status) < 400)
    .map(([status, { description, content }]) => {
      const [type, media] = Object.entries(content ?? {})[0] ?? [];
      const members =
        media === undefined ? [] : Object.keys(resolve(media.schema, schemas).properties ?? {});
      const what = members.length > 0 ? `{ ${members.join(', ')} }` : (type ?? 'no body');
      return `<tr><td class="name"><code>${status}</code></td><td class="type">${escapeHtml(what)}</td><td>${text(description)}</td></tr>`;
    });
  return `<h4>Answers</h4>${tableOf(rows)}`;
}

function codeOf(code: ErrorCode): string {
  return `<li><a href="#error-${code}"><b>${ERROR_STATUS[code]}</b>${code}</a></li>`;
}

function objectsOf(schemas: Schemas): string {
  const articles = Object.entries(schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, schema]) =>
        `<article><details><summary><span class="path">${name}</span></summary><div class="inside" id="object-${name}">${fieldsOf(schema, schemas)}</div></details></article>`,
    );
  return `<section id="objects"><h2>Objects</h2>${articles.join('\n')}</section>`;
}

function errorsOf(): string {
  const rows = Object.entries(ERROR_TEXT)
    .filter(([, { reader }]) => reader !== 'operator')
    .map(
      ([code, { what, doing }]) =>
        `<tr id="error-${code}"><td class="name"><code>${code}</code></td><td class="type">${ERROR_STATUS[code as ErrorCode]}</td><td>${text(`${sentence(what)} ${sentence(doing)}`)}</td></tr>`,
    );
  return `<section id="errors"><h2>Errors</h2>${tableOf(rows)}</section>`;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function escapeHtml(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A sentence, with `code` in back-ticks. */
function text(raw: string): string {
  return escapeHtml(raw).replace(/`([^`]+)`/g, '<code>$1</code>');
}
