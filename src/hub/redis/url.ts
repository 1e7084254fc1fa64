import { SekishoError } from '../../errors.ts';

/** What keys and channels begin with unless `?prefix=` says otherwise. */
const DEFAULT_PREFIX = 'sekisho:';

/** One host of `REDIS_URL`. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** `REDIS_URL`, read. Holds passwords: it is never logged; `describeRedis` is what may be shown. */
export interface RedisAddress {
  readonly shape: 'standalone' | 'sentinel' | 'cluster';
  /** The Redis itself, the Sentinels, or some nodes of the Cluster. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  /** What the Sentinels call the master; null for the other shapes. */
  readonly masterName: string | null;
  /** Null: Redis's user `default`. */
  readonly username: string | null;
  readonly password: string | null;
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
  /** Number of the database, 0 by default. */
  readonly database: number;
  readonly tls: boolean;
  /** File with the certificate authorities to trust (PEM) instead of those that Node trusts. */
  readonly caFile: string | null;
  /** What all keys and channels begin with. */
  readonly prefix: string;
}

const SCHEMES: Readonly<Record<string, Pick<RedisAddress, 'shape' | 'tls'>>> = {
  redis: { shape: 'standalone', tls: false },
  rediss: { shape: 'standalone', tls: true },
  'redis+sentinel': { shape: 'sentinel', tls: false },
  'rediss+sentinel': { shape: 'sentinel', tls: true },
  'redis+cluster': { shape: 'cluster', tls: false },
  'rediss+cluster': { shape: 'cluster', tls: true },
};

const DEFAULT_PORT = { standalone: 6379, sentinel: 26379, cluster: 6379 } as const;

const PARTS = /^([a-z+]+):\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;
const MASTER_NAME = /^[\w.-]{1,128}$/;
/** No glob and no hash-tag characters: it becomes part of patterns and of Cluster slots. */
const PREFIX = /^[\w:.-]{1,64}$/;

/**
 * Reads `REDIS_URL`:
 *
 * - `redis://[user:password@]host[:port][/database]`
 * - `redis+sentinel://[user:password@]host:port,host:port/master-name[/database]`
 * - `redis+cluster://[user:password@]host:port,host:port`
 *
 * `rediss` instead of `redis` is TLS. `?prefix=` (default `sekisho:`), with TLS `?ca=FILE`, with Sentinels that have a
 * user of their own `?sentinel-username=` and `?sentinel-password=`.
 *
 * @throws SekishoError `invalid_configuration` with a sentence that never quotes any of the text: what looks like a host
 *   may be the end of a password that was not percent-encoded.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme = '', authority = '', path = '', query = ''] = PARTS.exec(text) ?? [];
  const kind = SCHEMES[scheme];
  if (kind === undefined) {
    throw invalid(
      'must begin with redis://, redis+sentinel:// or redis+cluster:// (rediss… for TLS), and @ : / ? # in a password must be percent-encoded',
    );
  }
  const { shape, tls } = kind;
  return Object.freeze({
    shape,
    tls,
    hosts: hostsOf(authority.slice(authority.lastIndexOf('@') + 1), shape),
    ...credentialsOf(authority),
    ...placeOf(path, shape),
    ...settingsOf(query, kind),
  });
}

/** Where that is, without user and password: for logs and people. */
export function describeRedis(address: RedisAddress): string {
  const scheme = `redis${address.tls ? 's' : ''}`;
  const hosts = address.hosts
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(',');
  if (address.shape === 'cluster') return `${scheme}+cluster://${hosts}`;
  if (address.shape === 'standalone') return `${scheme}://${hosts}/${address.database}`;
  return `${scheme}+sentinel://${hosts}/${address.masterName ?? ''}/${address.database}`;
}

function credentialsOf(authority: string): Pick<RedisAddress, 'username' | 'password'> {
  const at = authority.lastIndexOf('@');
  if (at < 0) return { username: null, password: null };
  const colon = authority.indexOf(':');
  const userEnd = colon < 0 || colon > at ? at : colon;
  const username = decoded(authority.slice(0, userEnd));
  const password = decoded(authority.slice(userEnd + 1, at));
  if (userEnd === at || password === '') {
    throw invalid(
      'names a user without a password: write user:password@, or :password@ for the default user',
    );
  }
  return { username: username === '' ? null : username, password };
}

function hostsOf(text: string, shape: RedisAddress['shape']): RedisAddress['hosts'] {
  const [first, ...others] = text.split(',').map((part) => {
    const [, six, name, port] = HOST.exec(part) ?? [];
    const host = six ?? name;
    const number = port === undefined ? DEFAULT_PORT[shape] : Number(port);
    if (host === undefined || number < 1 || number > 65_535) {
      throw invalid(
        'has a host or port that cannot be read (host, host:port or [IPv6]:port; @ : / ? # in a password must be percent-encoded)',
      );
    }
    return Object.freeze({ host, port: number });
  });
  if (first === undefined) throw invalid('names no host');
  if (shape === 'standalone' && others.length > 0) {
    throw invalid('names several hosts: begin it with redis+sentinel:// or redis+cluster://');
  }
  return Object.freeze([first, ...others] as const);
}

/** What stands behind the hosts: a database, the Sentinels' master, or nothing. */
function placeOf(
  path: string,
  shape: RedisAddress['shape'],
): Pick<RedisAddress, 'masterName' | 'database'> {
  const parts = path.split('/').slice(1).map(decoded);
  if (parts.at(-1) === '') parts.pop();
  const masterName = shape === 'sentinel' ? (parts.shift() ?? null) : null;
  if (shape === 'sentinel' && (masterName === null || !MASTER_NAME.test(masterName))) {
    throw invalid(
      "must name the Sentinels' master after the hosts: redis+sentinel://host:26379/mymaster",
    );
  }
  const [database = '0', ...more] = parts;
  if (!/^\d{1,5}$/.test(database) || more.length > 0) {
    throw invalid('may end with the number of a database, such as /0, and with nothing else');
  }
  if (shape === 'cluster' && Number(database) !== 0) {
    throw invalid('names a database, and Redis Cluster has none but 0: use ?prefix= instead');
  }
  return { masterName, database: Number(database) };
}

function settingsOf(
  query: string,
  { shape, tls }: Pick<RedisAddress, 'shape' | 'tls'>,
): Pick<RedisAddress, 'prefix' | 'caFile' | 'sentinelUsername' | 'sentinelPassword'> {
  const settings = new URLSearchParams(query);
  const known = [
    'prefix',
    ...(tls ? ['ca'] : []),
    ...(shape === 'sentinel' ? ['sentinel-username', 'sentinel-password'] : []),
  ];
  const names = [...settings.keys()];
  if (names.some((name) => !known.includes(name)) || new Set(names).size !== names.length) {
    throw invalid(
      `may set ${known.map((name) => `?${name}=`).join(', ')} once each, and nothing else`,
    );
  }
  const prefix = settings.get('prefix') ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix)) {
    throw invalid('?prefix= must be 1 to 64 letters, digits or : . _ -');
  }
  const caFile = settings.get('ca');
  if (caFile === '') throw invalid('?ca= must be the path of a file');
  const sentinelUsername = settings.get('sentinel-username') || null;
  const sentinelPassword = settings.get('sentinel-password') || null;
  if (sentinelUsername !== null && sentinelPassword === null) {
    throw invalid('?sentinel-username= needs ?sentinel-password=');
  }
  return { prefix, caFile, sentinelUsername, sentinelPassword };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('holds a % that is not percent-encoding: write %25');
  }
}

function invalid(what: string): SekishoError {
  return new SekishoError('invalid_configuration', `REDIS_URL ${what}.`);
}
