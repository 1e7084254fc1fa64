/** What a person who has just started a server wants to know next; goes to standard error. */
export function guidance(started: {
  readonly origin: string;
  /** What `/` of the documentation is, and where the data is kept. */
  readonly keptIn: string;
  readonly tenant: string;
  readonly email: string;
  /** Whether the first administrator's password was made and printed by this start. */
  readonly passwordPrinted: boolean;
}): string {
  const { origin, keptIn, tenant, email, passwordPrinted } = started;
  const body = JSON.stringify({ tenant, email, password: 'PASSWORD' });
  return [
    `Sekisho answers on ${origin} and keeps its data in ${keptIn}.`,
    ...(passwordPrinted
      ? ['The line above that begins with "bootstrap" is the only time this password is shown.']
      : []),
    'Log in:',
    `  curl ${origin}/v1/login -H 'content-type: application/json' -d '${body}'`,
    'Make a second tenant:',
    '  npx sekisho tenant create SLUG --admin-email YOU@EXAMPLE.COM',
    `All routes, with their schemas: ${origin}/docs`,
    'Stop with Ctrl-C.',
    '',
  ].join('\n');
}
