// docs/errors.md: every error code, what happened, and what to do.
import { ERROR_STATUS } from '../../dist/errors.js';
import { ERROR_TEXT } from '../../dist/http/error-text.js';

/** @typedef {import('../../dist/http/error-text.js').ErrorText} ErrorText */
/** @typedef {import('../../dist/errors.js').ErrorCode} ErrorCode */

/** @returns {string} */
export function errorsPage() {
  return `# Errors

Every error of the HTTP API is an \`application/problem+json\` document (RFC 9457) with \`type\`, \`title\`, \`status\`, \`detail\`,
\`instance\` and \`code\`. Programs switch on \`code\`; \`detail\` is for people and may change. In the library the same errors are
thrown as \`SekishoError\` with the same \`code\`. At \`/oauth/…\` the documents have the members of RFC 6749, too ([clients](clients.md)).

An outage is 503 with \`Retry-After\`, never 401: nobody is logged out because a store is down.

This page is generated from the code.

## What a client does

${table('client')}

## What a developer mends

${table('developer')}

## What an operator mends

These stop the start, or a command, with one line on stderr.

${table('operator')}
`;
}

/** @param {ErrorText['reader']} reader */
function table(reader) {
  const codes = /** @type {ErrorCode[]} */ (Object.keys(ERROR_TEXT)).filter(
    (code) => ERROR_TEXT[code].reader === reader,
  );
  const status = reader === 'operator' ? 'Exit' : 'Status';
  return [
    `| \`code\` | ${status} | What happened | What to do |`,
    '|---|---|---|---|',
    ...codes.map((code) => {
      const { what, doing } = ERROR_TEXT[code];
      return `| \`${code}\` | ${numberOf(code)} | ${what} | ${doing} |`;
    }),
  ].join('\n');
}

/** The HTTP status; of what stops a start, the exit code. @param {ErrorCode} code */
function numberOf(code) {
  if (ERROR_TEXT[code].reader !== 'operator') return ERROR_STATUS[code];
  return code === 'invalid_configuration' ? 2 : 1;
}
