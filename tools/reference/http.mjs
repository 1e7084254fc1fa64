// docs/http.md: every route, from the table that serves them.
import { exampleOf, resolve, typeOf } from '../../dist/http/docs-schema.js';
import { openApiDocument } from '../../dist/http/openapi.js';
import { routes } from '../../dist/http/table.js';

/** @typedef {import('../../dist/http/json-schema.js').JsonSchema} JsonSchema */
/** @typedef {import('../../dist/http/openapi-shapes.js').Operation} Operation */

/** Who may call, in words. @type {Readonly<Record<string, string>>} */
const WHO = {
  anyone: 'anyone',
  holder: 'whoever holds the refresh token',
  user: 'a user',
  admin: 'an administrator of the tenant',
  gateway: 'a gateway, with the credentials of whoever asks it',
  client: 'a service client',
};

/** @returns {string} */
export function httpPage() {
  const document = openApiDocument(routes, { basePath: '', version: '1' });
  const { schemas } = document.components;
  const lines = [
    '# HTTP',
    '',
    'Every route, generated from the table that serves them. A running server shows the same at `/docs`, and as OpenAPI 3.1 at',
    '`/openapi.json`. JSON in and out, `snake_case`; times are RFC 3339 in UTC, durations seconds unless the name ends in `_ms`.',
    'What each error code means and what to do about it: [errors.md](errors.md). Codes that every route can answer with (413, 422,',
    '500, and 503 wherever a store is needed) are not repeated below.',
    '',
  ];
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const { name } of document.tags) {
    lines.push(`## ${name}`, '');
    const known = new Set();
    for (const { path, method, operation } of operations) {
      if (!operation.tags.includes(name)) continue;
      // A route for any method is described once.
      const [id = ''] = /^[^.]+(\.[^.]+)?/.exec(operation.operationId) ?? [];
      const any = operation.operationId !== id;
      if (any && known.has(id + path)) continue;
      known.add(id + path);
      lines.push(...operationLines(any ? 'ANY' : method.toUpperCase(), path, operation, schemas));
    }
  }
  lines.push('## Objects', '');
  for (const [name, schema] of Object.entries(schemas)) {
    lines.push(`### ${name}`, '', ...memberTable(schema, schemas, true), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/**
 * @param {string} method @param {string} path @param {Operation} operation
 * @param {Readonly<Record<string, JsonSchema>>} schemas
 */
function operationLines(method, path, operation, schemas) {
  const lines = [`### \`${method} ${path}\``, '', `${operation.summary}. For ${whoOf(operation)}.`];
  if (operation.description !== '') lines.push('', operation.description);
  lines.push('');
  const parameters = operation.parameters.filter(({ in: place }) => place !== 'path');
  if (parameters.length > 0) {
    lines.push('| Parameter | | Meaning |', '|---|---|---|');
    for (const { name, in: place, schema, description = '' } of parameters) {
      const shown = place === 'query' ? `\`?${name}=\`` : `\`${name}\``;
      lines.push(`| ${shown} | ${cell(typeOf(schema))} | ${cell(description)} |`);
    }
    lines.push('');
  }
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
    lines.push(type === 'application/json' ? 'Body:' : `Body (\`${type}\`):`, '');
    lines.push(...memberTable(schema, schemas, false), '');
    const example = JSON.stringify(exampleOf(schema, schemas, 'required'));
    if (type === 'application/json' && example !== '{}') {
      lines.push('```json', example, '```', '');
    }
  }
  const problems = [];
  for (const [status, { description, content = {} }] of Object.entries(operation.responses)) {
    const [type] = Object.keys(content);
    if (type === 'application/problem+json') {
      if (!['413', '422', '500', '503'].includes(status)) problems.push(`${status} ${description}`);
      continue;
    }
    const schema = type === undefined ? undefined : content[type]?.schema;
    const shape = schema === undefined ? '' : `: ${shapeOf(schema, schemas)}`;
    const media = type === undefined || type === 'application/json' ? '' : ` (\`${type}\`)`;
    lines.push(`- **${status}**${media}${shape}`);
  }
  if (problems.length > 0) lines.push(`- ${problems.join('; ')}`);
  return [...lines, ''];
}

/** @param {Operation} operation */
function whoOf(operation) {
  const who = WHO[operation['x-who']];
  if (who === undefined) throw new Error(`tools/reference/http.mjs knows no ${operation['x-who']}`);
  return who;
}

/** An answer in one line. @param {JsonSchema} schema @param {Readonly<Record<string, JsonSchema>>} schemas */
function shapeOf(schema, schemas) {
  const { properties } = schema.$ref === undefined ? schema : { properties: undefined };
  if (properties === undefined) return link(typeOf(schema), schemas);
  const required = new Set(schema.required);
  return Object.entries(properties)
    .map(
      ([name, one]) => `\`${name}\`${required.has(name) ? '' : '?'} ${link(typeOf(one), schemas)}`,
    )
    .join(', ');
}

/**
 * @param {JsonSchema} given @param {Readonly<Record<string, JsonSchema>>} schemas
 * @param {boolean} answered whether a member that is not required may be absent in an answer
 */
function memberTable(given, schemas, answered) {
  const schema = resolve(given, schemas);
  const required = new Set(schema.required);
  if (schema.properties === undefined) return [link(typeOf(schema), schemas)];
  return [
    '| Member | | Meaning |',
    '|---|---|---|',
    ...Object.entries(schema.properties).map(([name, member]) => {
      const optional = required.has(name) ? '' : answered ? '?' : ' (optional)';
      const fallback =
        member.default === undefined
          ? ''
          : `, default \`${String(JSON.stringify(member.default))}\``;
      const { description = '' } = member;
      return `| \`${name}\`${optional} | ${cell(link(typeOf(member), schemas))}${fallback} | ${cell(description)} |`;
    }),
  ];
}

/** Names of objects lead to them. @param {string} type @param {Readonly<Record<string, JsonSchema>>} schemas */
function link(type, schemas) {
  return type.replace(/\b[A-Z][A-Za-z]+\b/g, (name) =>
    name in schemas ? `[${name}](#${name.toLowerCase()})` : name,
  );
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
