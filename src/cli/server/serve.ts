import type { IncomingMessage, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachSocket, nodeHandler } from '../../adapter/node/index.ts';
import type { Config } from '../../config.ts';
import type { Sekisho, Starting } from '../../create/sekisho.ts';
import { startSekisho } from '../../create.ts';
import { isOutage } from '../../errors.ts';
import { isIssuer, isLoopbackName } from '../../public-url.ts';
import type { ServeSettings } from '../settings.ts';
import { type Bootstrapped, bootstrap } from './bootstrap.ts';
import { guidance } from './guidance.ts';
import { type Listener, listen } from './listener.ts';
import { SERVED_SOCKETS } from './session-socket.ts';
import { firstSignal } from './signals.ts';
import { OpenStreams } from './streams.ts';

/** Between two tries to make the first tenant while the database is away. */
const BOOTSTRAP_RETRY_MS = 1000;
/** How long a process that has stopped serving may take to end by itself. */
const EXIT_GRACE_MS = 1000;
const CRASHED = 'crashed';

/**
 * Serves until a signal, or the end of the embedded database, and drains. Resolves with the exit code.
 *
 * @param config `settings.options`, read.
 * @throws what a start throws, when everything that was opened is closed.
 */
export async function runServer(settings: ServeSettings, config: Config): Promise<number> {
  const signal = firstSignal();
  const server = await startServer(settings);
  const end = Promise.race([signal, server.starting.crashed.then(() => CRASHED)]);
  // Only who was serving has anything to drain.
  let [drainMs, drainNoticeMs] = [0, 0];
  try {
    const ended = (await Promise.race([end, openServer(server, settings, config)])) ?? (await end);
    if (ended === CRASHED) {
      // Nothing can be answered any more; whoever supervises the process starts it anew.
      process.stderr.write('the embedded database has ended: start sekisho serve anew\n');
      return 1;
    }
    ({ drainMs, drainNoticeMs } = settings);
    process.stderr.write(`${ended}: draining, at most ${drainMs} ms; again to stop at once\n`);
    return 0;
  } finally {
    await stopServer(server, drainMs, drainNoticeMs);
    // Nothing should be left; if something is, it must not keep a stopped server alive.
    setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
  }
}

/** What runs in this process. */
interface Server {
  readonly starting: Starting;
  readonly routes: Listener;
  readonly operations: Listener;
  readonly streams: OpenStreams;
  readonly sockets: { close(): void };
}

/** Listens, and begins to open the record; until that is done everything is answered 503. */
async function startServer(settings: ServeSettings): Promise<Server> {
  // Ports first: one that cannot be had is known at once, and the first origin is the issuer of a new record.
  const host = new LaterHost();
  const routes = await listen(host.routes, settings.host, settings.port, 'PORT');
  let operations: Listener;
  try {
    const { adminHost, adminPort } = settings;
    operations = await listen(host.operations, adminHost, adminPort, 'SEKISHO_ADMIN_PORT');
  } catch (error) {
    await routes.close(0);
    throw error;
  }
  let starting: Starting;
  try {
    starting = startSekisho({
      ...settings.options,
      firstIssuer: firstIssuerOf(routes.origin),
      address: operations.origin,
    });
  } catch (error) {
    await Promise.all([routes.close(0), operations.close(0)]);
    throw error;
  }
  const streams = host.open(starting.sekisho);
  return {
    starting,
    routes,
    operations,
    streams,
    sockets: attachSocket(routes.server, starting.sekisho, SERVED_SOCKETS),
  };
}

/** An address that others reach by plain http is nobody's issuer: `http://127.0.0.1:port`, until SEKISHO_ISSUER says it. */
function firstIssuerOf(origin: string): string {
  return isIssuer(origin) ? origin : `http://127.0.0.1:${new URL(origin).port}`;
}

/** Resolves with null once the server answers and has said so. */
async function openServer(server: Server, settings: ServeSettings, config: Config): Promise<null> {
  const { starting, routes, operations } = server;
  await starting.ready;
  const made = await bootstrapPatiently(starting.sekisho, settings);
  if (made !== null && made.madePassword !== null) {
    const { slug, email, madePassword } = made;
    process.stdout.write(`bootstrap tenant=${slug} email=${email} password=${madePassword}\n`);
  }
  process.stdout.write(`listening ${routes.origin} operations ${operations.origin}\n`);
  process.stderr.write(
    guidance({
      origin: routes.origin,
      privateIssuer: privateIssuer(settings, starting.sekisho.engine.issuer),
      keptIn: placeOf(config),
      tenant: made?.slug ?? settings.bootstrap.slug,
      email: made?.email ?? settings.bootstrap.adminEmail,
      passwordPrinted: made !== null && made.madePassword !== null,
    }),
  );
  return null;
}

/** The issuer, where others than this machine can ask and it names this machine alone; null otherwise. */
function privateIssuer({ host }: ServeSettings, issuer: string): string | null {
  const { hostname } = new URL(`http://${host.includes(':') ? `[${host}]` : host}`);
  return !isLoopbackName(hostname) && isLoopbackName(new URL(issuer).hostname) ? issuer : null;
}

async function bootstrapPatiently(
  sekisho: Sekisho,
  settings: ServeSettings,
): Promise<Bootstrapped | null> {
  for (;;) {
    try {
      return await bootstrap(sekisho.engine.operator, settings.bootstrap);
    } catch (error) {
      if (!isOutage(error)) throw error;
      await new Promise((done) => setTimeout(done, BOOTSTRAP_RETRY_MS));
    }
  }
}

/**
 * First `/readyz` says 503 and everything is served as before, so that a load balancer notices; then the port is closed and
 * the requests that are there are answered. The last answer goes out before the membership is left.
 */
async function stopServer(server: Server, drainMs: number, drainNoticeMs: number): Promise<void> {
  const { starting, routes, operations, streams, sockets } = server;
  const noticeMs = Math.min(drainNoticeMs, drainMs);
  const noticed = sleep(noticeMs);
  routes.endConnections();
  await starting.sekisho.drain();
  await noticed;
  const closed = routes.close(drainMs - noticeMs);
  // Their clients come back, and must not find this port open.
  sockets.close();
  streams.close();
  await closed;
  await starting.sekisho.close();
  await operations.close(0);
}

/** Where the data is, for people; a database's URL may hold a password. */
function placeOf({ record }: Config): string {
  if (record.kind === 'embedded') return resolve(record.dataDir);
  return record.kind === 'postgres'
    ? `PostgreSQL at ${new URL(record.databaseUrl).host}`
    : 'memory';
}

/** Handlers for ports that are open before there is an instance to answer on them. */
class LaterHost {
  #routes = answerStarting;
  #operations = answerStarting;
  readonly routes = (req: IncomingMessage, res: ServerResponse): void => this.#routes(req, res);
  readonly operations = (req: IncomingMessage, res: ServerResponse): void =>
    this.#operations(req, res);

  open(sekisho: Sekisho): OpenStreams {
    const streams = new OpenStreams();
    this.#routes = nodeHandler(streams.watch(sekisho));
    this.#operations = nodeHandler({
      basePath: '',
      fetch: (request) => sekisho.operations(request),
    });
    return streams;
  }
}

function answerStarting(_req: IncomingMessage, res: ServerResponse): void {
  const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' };
  const title = 'Service Unavailable';
  res.writeHead(503, headers);
  res.end(JSON.stringify({ type: 'about:blank', title, status: 503, code: 'not_ready' }));
}
