/** A real Redis for tests, benchmarks and demos: own data directory, own port, own process. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { makeCertificate } from './certificate.mjs';
import { startGuarded } from './guarded.mjs';
import { freePort } from './ports.mjs';
import { redisBinaries } from './redis-binaries.mjs';

const startTimeoutMs = 30_000;

/**
 * @typedef {object} RedisOptions
 * @property {Record<string, string | number>} [settings] lines of redis.conf over those below
 * @property {boolean | import('./certificate.mjs').Certificate} [tls] TLS and nothing else, also between servers, with
 *   a certificate of its own or with one that several servers share
 * @property {boolean} [password] a password for everybody
 * @property {{ user: string, rules: string }} [acl] a user that may do just what `rules` say, with a
 *   password made for it; `url` is that user's then
 * @property {boolean} [appendonly] keeps what it holds on disk; otherwise nothing is kept
 * @property {boolean} [sentinel] a Sentinel instead of a Redis
 *
 * @typedef {object} RedisServer
 * @property {string} url
 * @property {string} adminUrl of a user that may do everything
 * @property {string} host
 * @property {number} port
 * @property {number} busPort where a Cluster's nodes talk
 * @property {'redis' | 'valkey'} kind
 * @property {number} major version
 * @property {string | null} caFile
 * @property {number} pid of the server now running
 * @property {string} dataDirectory
 * @property {(...command: (string | number)[]) => Promise<unknown>} run one command, as administrator,
 *   on a connection of its own
 * @property {(signal?: NodeJS.Signals) => Promise<void>} halt ends the server; SIGKILL, a crash, by default
 * @property {() => void} pause SIGSTOP: connections stay open, and nobody answers
 * @property {() => void} continue SIGCONT
 * @property {(options?: { data?: boolean }) => Promise<void>} resume starts it again on the same port,
 *   with what is on disk or, with `data: false`, without
 * @property {() => Promise<void>} stop ends it and removes its data
 */

/** @param {RedisOptions} [options] @returns {Promise<RedisServer>} */
export async function startRedis(options = {}) {
  const { server: command, kind, major } = redisBinaries();
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-redis-'));
  const data = join(folder, 'data');
  const confFile = join(folder, 'redis.conf');
  const logFile = join(folder, 'log');
  const adminPassword = options.password || options.acl ? secret() : null;
  const userPassword = options.acl ? secret() : null;

  /** @type {import('./guarded.mjs').Guarded | undefined} */
  let server;
  let port = 0;
  let busPort = 0;
  let paused = false;
  /** @type {import('./certificate.mjs').Certificate | null} */
  let certificate = null;
  /** @type {string | null} */
  let caFile = null;

  const urlFor = (/** @type {string} */ user, /** @type {string | null} */ password) => {
    const login = password === null ? '' : `${user}:${password}@`;
    const query = caFile === null ? '' : `?ca=${encodeURIComponent(caFile)}`;
    return `redis${caFile === null ? '' : 's'}://${login}127.0.0.1:${port}${query}`;
  };

  const run = (/** @type {(string | number)[]} */ ...words) =>
    withConnection({ port, password: adminPassword, caFile }, (redis) => {
      const [name = '', ...args] = words;
      return redis.call(String(name), ...args);
    });

  const launch = async () => {
    writeFileSync(confFile, configuration(), { mode: 0o600 });
    server = await startGuarded({
      command,
      args: [confFile, ...(options.sentinel ? ['--sentinel'] : [])],
      cwd: folder,
      scratch: folder,
      logFile,
      stopSignal: 'SIGTERM',
    });
    const deadline = Date.now() + startTimeoutMs;
    while (!(await run('ping').then(...yesOrNo))) {
      if (server.running && Date.now() < deadline) {
        await sleep(20);
        continue;
      }
      const log = readFileSync(logFile, 'utf8');
      if (server.running) await server.stop();
      throw new Error(`Redis did not start:\n${log}`);
    }
  };

  const configuration = () => {
    /** @type {Record<string, string | number>} */
    const settings = {
      bind: '127.0.0.1',
      dir: data,
      daemonize: 'no',
      ...(caFile === null ? { port } : { port: 0, 'tls-port': port }),
      ...(certificate === null
        ? {}
        : {
            'tls-ca-cert-file': certificate.caFile,
            'tls-cert-file': certificate.certificateFile,
            'tls-key-file': certificate.keyFile,
            'tls-auth-clients': 'no',
            'tls-replication': 'yes',
            ...(options.settings?.['cluster-enabled'] === 'yes' ? { 'tls-cluster': 'yes' } : {}),
          }),
      ...(options.sentinel
        ? {}
        : { save: '""', appendonly: options.appendonly ? 'yes' : 'no', 'cluster-port': busPort }),
      ...(adminPassword === null ? {} : { requirepass: adminPassword }),
      ...options.settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
    if (options.acl) {
      lines.push(`user ${options.acl.user} on >${userPassword} ${options.acl.rules}`);
    }
    return `${lines.join('\n')}\n`;
  };

  try {
    mkdirSync(data);
    if (options.tls) {
      certificate = options.tls === true ? makeCertificate(folder) : options.tls;
      caFile = certificate.caFile;
    }
    // A free port is known only by asking, and somebody may take it in between: then another one.
    for (let attempt = 1; ; attempt += 1) {
      port = await freePort();
      busPort = await freePort();
      try {
        await launch();
        break;
      } catch (error) {
        if (attempt === 5 || !/Address already in use|Failed listening/.test(String(error))) {
          throw error;
        }
      }
    }
  } catch (error) {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }

  const resumeIfPaused = () => {
    if (paused) server?.kill('SIGCONT');
    paused = false;
  };

  return {
    url: urlFor(options.acl?.user ?? '', userPassword ?? adminPassword),
    adminUrl: urlFor('', adminPassword),
    host: '127.0.0.1',
    ...{ port, busPort, kind, major, caFile, run },
    dataDirectory: data,
    get pid() {
      return server?.pid ?? 0;
    },
    async halt(signal = 'SIGKILL') {
      server?.kill(signal);
      // Whatever ends it, a stopped process takes only SIGKILL without this.
      resumeIfPaused();
      await server?.exited;
    },
    pause() {
      server?.kill('SIGSTOP');
      paused = true;
    },
    continue: resumeIfPaused,
    async resume({ data: keepData = true } = {}) {
      if (!keepData) {
        rmSync(data, { recursive: true, force: true });
        mkdirSync(data);
      }
      await launch();
    },
    async stop() {
      resumeIfPaused();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The URL of several servers, as one of a Sentinel or a Cluster.
 * @param {'sentinel' | 'cluster'} shape
 * @param {RedisServer[]} servers
 * @param {string} [path]
 */
export function urlOf(shape, servers, path = '') {
  const hosts = servers.map(({ host, port }) => `${host}:${port}`).join(',');
  const caFile = servers[0]?.caFile ?? null;
  return caFile === null
    ? `redis+${shape}://${hosts}${path}`
    : `rediss+${shape}://${hosts}${path}?ca=${encodeURIComponent(caFile)}`;
}

/**
 * @template T
 * @param {{ port: number, password?: string | null, caFile?: string | null }} where
 * @param {(redis: Redis) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withConnection({ port, password = null, caFile = null }, work) {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    ...(password === null ? {} : { password }),
    ...(caFile === null ? {} : { tls: { ca: readFileSync(caFile) } }),
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
  });
  redis.on('error', () => {}); // what failed rejects, too
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/**
 * Asks again until the answer is yes.
 * @param {string} what for the message
 * @param {() => Promise<boolean>} ask a failure counts as no
 * @param {number} [withinMs]
 */
export async function eventually(what, ask, withinMs = startTimeoutMs) {
  const deadline = Date.now() + withinMs;
  while (!(await ask().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}

/** @type {[() => boolean, () => boolean]} */
const yesOrNo = [() => true, () => false];

function secret() {
  return randomBytes(16).toString('hex');
}
