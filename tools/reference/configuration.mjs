// docs/configuration.md: settings, the policy of a tenant, and the options of a program.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { flagOf } from '../../dist/cli/settings.js';
import { SERVER_SETTINGS } from '../../dist/cli/settings-table.js';
import { DEFAULT_POLICY, policySchema } from '../../dist/tenant/policy.js';

/** @typedef {import('../../dist/cli/settings-table.js').Setting} Setting */

/** @returns {string} */
export function configurationPage() {
  return `# Configuration

Every setting is an environment variable and an option of \`sekisho serve\`: \`SEKISHO_DATA_DIR\` is \`--data-dir\`, \`PORT\` is
\`--port\`. Options win. A wrong or missing setting stops the start with one line that names it, exit code 2. Durations whose name
ends in \`_MS\` are milliseconds. This page is generated from the code.

${[...new Set(SERVER_SETTINGS.map(({ heading }) => heading))].map(settingsUnder).join('\n\n')}

## By tenant

Lifetimes, device cap and login limits are the tenant's policy (\`GET\` and \`PUT /v1/admin/policy\`, \`sekisho tenant policy\`), not
settings. All of it is seconds or counts.

| Field | Default | Bounds | Meaning |
|---|---|---|---|
${policyRows().join('\n')}

A shorter lifetime takes effect at once, for existing sessions too: their access tokens are superseded, and the refresh that
follows judges by the new policy. A longer one is for new sessions. With \`override_until\` a policy holds until then, and the one
before it is in force again by itself. What operators set for all tenants (\`sekisho ops lifetimes\`, \`ops limits\`) holds beside it, and
the shorter or tighter one counts ([operations](operations.md)).

## In a program

What \`createSekisho\` takes. Nothing is read from the environment.

| Option | Type | Meaning |
|---|---|---|
${optionRows().join('\n')}
`;
}

/** @param {string} heading */
function settingsUnder(heading) {
  const rows = SERVER_SETTINGS.filter((setting) => setting.heading === heading).map(
    ({ variable, fallback, about }) =>
      `| \`${variable}\` | \`--${flagOf(variable)}\` | ${fallback} | ${about} |`,
  );
  return [
    `## ${heading}`,
    '',
    '| Variable | Option | Default | Meaning |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/**
 * @typedef {{ minimum?: number, maximum?: number, enum?: string[], description?: string,
 *   properties?: Record<string, Field> }} Field
 */

function policyRows() {
  const { properties = {} } = /** @type {Field} */ (z.toJSONSchema(policySchema));
  return fieldRows(properties, /** @type {any} */ (DEFAULT_POLICY), '');
}

/**
 * @param {Record<string, Field>} fields @param {Record<string, any>} defaults @param {string} prefix
 * @returns {string[]}
 */
function fieldRows(fields, defaults, prefix) {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (field.properties) return fieldRows(field.properties, defaults[name], `${name}.`);
    const bounds = field.enum
      ? field.enum.map((word) => `\`${word}\``).join(', ')
      : `${field.minimum} to ${field.maximum}`;
    if (!field.description) throw new Error(`${prefix}${name} of the policy has no description`);
    return [`| \`${prefix}${name}\` | \`${defaults[name]}\` | ${bounds} | ${field.description} |`];
  });
}

/** The members of `SekishoOptions`, as their docstrings tell them. */
function optionRows() {
  const source = readFileSync(new URL('../../src/config.ts', import.meta.url), 'utf8');
  const [, body = ''] = /export interface SekishoOptions \{\n(.*?)\n\}\n/s.exec(source) ?? [];
  const members = [...body.matchAll(/ {2}\/\*\*(.*?)\*\/\n {2}readonly (\w+)\?: ([^;]+);/gs)];
  const declared = body.match(/^ {2}readonly /gm) ?? [];
  if (members.length === 0 || members.length !== declared.length) {
    throw new Error('an option of createSekisho has no docstring');
  }
  return members.map(([, comment = '', name, type = '']) => {
    const about = comment.replace(/\n\s*\* ?/g, ' ').trim();
    return `| \`${name}\` | \`${type.replaceAll('|', '\\|')}\` | ${about} |`;
  });
}
