/** What a person who has just started a server wants to know next; goes to standard error. */
export function guidance(started: {
  readonly origin: string;
  /** The issuer of the tokens, where it means nothing to those who can ask this server; null where it does. */
  readonly privateIssuer: string | null;
  /** What `/` of the documentation is, and where the data is kept. */
  readonly keptIn: string;
  readonly tenant: string;
  readonly email: string;
  /** Whether the first administrator's password was made and printed by this start. */
  readonly passwordPrinted: boolean;
}): string {
  const { origin, privateIssuer, keptIn, tenant, email, passwordPrinted } = started;
  const body = JSON.stringify({ tenant, email, password: 'PASSWORD' });
  return [
    `Sekisho answers on ${origin} and keeps its data in ${keptIn}.`,
    ...(privateIssuer === null
      ? []
      : [
          `Warning: it listens beyond this machine, and its tokens are issued as ${privateIssuer}, which is this machine alone.`,
          'Before others use it, set SEKISHO_ISSUER to the https origin that browsers know.',
        ]),
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
