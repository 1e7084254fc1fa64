/** One setting: an environment variable, and an option of the same meaning; options win. */
export interface Setting {
  readonly variable: string;
  /** What the value is, for the help; without it the setting is a switch. */
  readonly value?: string;
  /** Where docs/configuration.md lists it. */
  readonly heading:
    | 'Where it listens'
    | 'Where it keeps things'
    | 'Backups of the embedded record'
    | 'Who it is'
    | 'How it behaves';
  /** In a few words, default included, for the help of the command. */
  readonly help: string;
  /** Default, for docs/configuration.md, in Markdown, as `about` is. */
  readonly fallback: string;
  readonly about: string;
}

/** Where the record is; commands that reach a server need no more. */
export const RECORD_SETTINGS: readonly Setting[] = [
  {
    variable: 'SEKISHO_DATA_DIR',
    value: 'DIR',
    heading: 'Where it keeps things',
    help: 'embedded database, secret, lock; default .sekisho',
    fallback: '`.sekisho`',
    about: 'embedded database, secret, lock and control socket. One process at a time',
  },
  {
    variable: 'DATABASE_URL',
    value: 'URL',
    heading: 'Where it keeps things',
    help: 'PostgreSQL 15 or later instead of the embedded database',
    fallback: 'unset: embedded',
    about:
      'PostgreSQL 15 or later, the primary, or one address that follows it; not a list of hosts. A pooler in front must work by session or by transaction',
  },
  {
    variable: 'REDIS_URL',
    value: 'URL',
    heading: 'Where it keeps things',
    help: 'Redis 7 or later as hub; default: LISTEN/NOTIFY of DATABASE_URL',
    fallback: "unset: PostgreSQL's LISTEN/NOTIFY, in-process when embedded",
    about: 'Redis 7 or later as hub, see [redis.md](redis.md). Only with `DATABASE_URL`',
  },
  {
    variable: 'SEKISHO_HUB',
    value: 'KIND',
    heading: 'Where it keeps things',
    help: 'auto, or none: revocations by heartbeats alone; default auto',
    fallback: '`auto`',
    about:
      '`none`: no hub, so that revocations take up to two heartbeats. For poolers that must not see LISTEN, and for measuring',
  },
  {
    variable: 'SEKISHO_SECRET',
    value: 'SECRET',
    heading: 'Where it keeps things',
    help: 'at least 32 bytes, or several, newest first; better as a variable',
    fallback: 'made and kept in the data directory when embedded',
    about:
      'required with `DATABASE_URL`, ≥ 32 bytes. A comma-separated list is a key ring, newest first: deploy a new secret as the second, then make it the first, then drop the old one when its last session has ended',
  },
];

/** All settings of `sekisho serve`, in the order of its help. */
export const SERVER_SETTINGS: readonly Setting[] = [
  {
    variable: 'PORT',
    value: 'N',
    heading: 'Where it listens',
    help: 'public listener; default 4000, 0 for any free port',
    fallback: '`4000`',
    about: 'the public listener; 0 takes any free port',
  },
  {
    variable: 'HOST',
    value: 'HOST',
    heading: 'Where it listens',
    help: 'default 127.0.0.1',
    fallback: '`127.0.0.1`',
    about: 'where the public listener is bound; `0.0.0.0` or `::` for all addresses',
  },
  {
    variable: 'SEKISHO_ADMIN_PORT',
    value: 'N',
    heading: 'Where it listens',
    help: 'metrics and health; default PORT + 1, 0 with PORT 0',
    fallback: '`PORT` + 1 (0 when `PORT` is 0)',
    about:
      '`/metrics`, `/healthz`, `/readyz`, `/members`; never reachable through the public listener',
  },
  {
    variable: 'SEKISHO_ADMIN_HOST',
    value: 'HOST',
    heading: 'Where it listens',
    help: 'default 127.0.0.1',
    fallback: '`127.0.0.1`',
    about: 'where they are bound; not to the world',
  },
  {
    variable: 'SEKISHO_ADMIN_HOSTS',
    value: 'NAMES',
    heading: 'Where it listens',
    help: 'names with a dot by which it may be asked, comma-separated; default none',
    fallback: 'none',
    about:
      'names by which the operations listener may be asked, comma-separated. Addresses, loopback names and names without a dot (`sekisho:4001`) always work; any other `Host` is 403, since a page on the web can have its own name resolve to an address in here (DNS rebinding)',
  },
  ...RECORD_SETTINGS,
  {
    variable: 'SEKISHO_ISSUER',
    value: 'URL',
    heading: 'Who it is',
    help: 'iss of the tokens; kept in the record from the first start on',
    fallback:
      "the first listener's origin, `http://127.0.0.1:PORT` where `HOST` is not a loopback name; kept in the record from the first start on",
    about:
      '`iss` of the tokens; the same on all nodes: an https URL, or http on a loopback name. Another one than the record keeps takes its place when no other node runs, and is refused otherwise. While nodes run, `sekisho keys issuer` [changes it](decisions/0018-an-issuer-is-changed-like-a-key.md); from then on the variable may only name one that is accepted',
  },
  {
    variable: 'SEKISHO_AUDIENCE',
    value: 'NAME',
    heading: 'Who it is',
    help: 'aud of the tokens; kept in the record, sekisho at first',
    fallback: '`sekisho`, kept in the record from the first start on',
    about: '`aud` of the tokens; likewise',
  },
  {
    variable: 'SEKISHO_LEASE_MS',
    value: 'MS',
    heading: 'How it behaves',
    help: 'age of the newest proof while answering as usual; default 750',
    fallback: '`750`',
    about:
      "how old the newest proof may be while this node answers as usual. A heartbeat each third of it. Bound of a revocation's delay while the record can be reached",
  },
  {
    variable: 'SEKISHO_TOLERANCE_MS',
    value: 'MS',
    heading: 'How it behaves',
    help: 'how much longer, marked stale; default 10000',
    fallback: '`10000`',
    about:
      'how much longer it answers, marked `stale`, when it can prove nothing and knows of no gap. 0 is strict. Lease and tolerance together stay below 30000',
  },
  {
    variable: 'SEKISHO_STRICT',
    heading: 'How it behaves',
    help: 'where processes are frozen: no tolerance, every check asks the record',
    fallback: 'off',
    about:
      'for platforms that freeze whole processes or machines (serverless, snapshots, hosts that suspend): no tolerance, and every check asks the record, as with `fresh`. Sockets go by the lease all the same, where a ticket opens one and with each frame: a machine whose clock stood still while it slept may pass, for what is left of a lease when it wakes, frames of a session that was revoked meanwhile. Where that counts, keep sockets off such machines',
  },
  {
    variable: 'SEKISHO_TOKEN_CACHE_SIZE',
    value: 'N',
    heading: 'How it behaves',
    help: 'access tokens known at a time; default 20000',
    fallback: '`20000`',
    about:
      'access tokens that a node knows at a time, 1,000 to 500,000: those that are in use there within the life of one (five minutes, unless the policy says otherwise). Each costs about 1.5 kB of memory, and a check of one that is known less than a hundredth of verifying its signature. Raise it where `sekisho_displaced_tokens_total` grows',
  },
  {
    variable: 'SEKISHO_ALLOWED_ORIGINS',
    value: 'URLS',
    heading: 'Where it listens',
    help: 'for CORS, CSRF and sockets, comma-separated',
    fallback: 'own origin',
    about: 'comma-separated origins for CORS, CSRF and sockets',
  },
  {
    variable: 'SEKISHO_TRUSTED_PROXIES',
    value: 'LIST',
    heading: 'Where it listens',
    help: 'whose X-Forwarded-* is believed, comma-separated',
    fallback: 'none',
    about:
      'addresses and networks (`10.0.0.0/8`, `loopback`) whose `X-Forwarded-For`, `-Proto`, `-Host` and `X-Request-Id` are believed',
  },
  {
    variable: 'SEKISHO_BOOTSTRAP_TENANT',
    value: 'SLUG',
    heading: 'Who it is',
    help: 'first start only; default main',
    fallback: '`main`',
    about: 'slug of the first tenant, on the first start only',
  },
  {
    variable: 'SEKISHO_BOOTSTRAP_EMAIL',
    value: 'E-MAIL',
    heading: 'Who it is',
    help: 'first start only; default admin@localhost',
    fallback: '`admin@localhost`',
    about: 'its first administrator',
  },
  {
    variable: 'SEKISHO_BOOTSTRAP_PASSWORD',
    value: 'PW',
    heading: 'Who it is',
    help: 'first start only; default: made and printed once',
    fallback: 'a made password',
    about: 'their password. A made one is printed once, on stdout',
  },
  {
    variable: 'SEKISHO_DRAIN_MS',
    value: 'MS',
    heading: 'Where it listens',
    help: 'how long the first SIGTERM waits for requests; default 10000',
    fallback: '`10000`',
    about: 'how long a first SIGTERM waits for running requests; a second one stops at once',
  },
  {
    variable: 'SEKISHO_DRAIN_NOTICE_MS',
    value: 'MS',
    heading: 'Where it listens',
    help: 'how much of it the port stays open, for load balancers to notice; default 0',
    fallback: '`0`',
    about:
      'how much of that time the port stays open and everything is served, with `/readyz` at 503, so that a load balancer notices before connections are refused',
  },
  {
    variable: 'SEKISHO_LOG_LEVEL',
    value: 'LEVEL',
    heading: 'How it behaves',
    help: 'trace to fatal, or silent; default info',
    fallback: '`info`',
    about: '`trace` `debug` `info` `warn` `error` `fatal` `silent`',
  },
  {
    variable: 'SEKISHO_BACKUP_DIR',
    value: 'DIR',
    heading: 'Backups of the embedded record',
    help: 'embedded: back the record up to files in DIR, on a schedule; default: not',
    fallback: 'none',
    about:
      'where the server writes [backups](backup.md) of its record by itself; best on another disk. With `DATABASE_URL`, run `sekisho backup --every` beside the nodes instead',
  },
  {
    variable: 'SEKISHO_BACKUP_EVERY',
    value: 'SPAN',
    heading: 'Backups of the embedded record',
    help: 'between two of them, such as 15m; default 1h',
    fallback: '`1h`',
    about: 'between two of them: `90s`, `15m`, `2h`, `1d`; 1 minute to 7 days',
  },
  {
    variable: 'SEKISHO_BACKUP_KEEP',
    value: 'N',
    heading: 'Backups of the embedded record',
    help: 'how many are kept; default 24',
    fallback: '`24`',
    about: 'how many stay, the newest ones',
  },
  {
    variable: 'SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES',
    heading: 'Where it listens',
    help: 'cookies over plain http: anybody on the way can take them',
    fallback: 'off',
    about:
      'lets cookies travel over plain http on names other than loopback. Anybody on the way can then take sessions',
  },
];
