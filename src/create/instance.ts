import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { createHttpApp } from '../http/app.ts';
import { contextOf } from '../http/context.ts';
import { createOperationsApp } from '../http/operations.ts';
import { type HttpOptions, type HttpSettings, settingsOf } from '../http/settings.ts';
import { parseRedisUrl } from '../hub/redis/url.ts';
import { newId } from '../id.ts';
import { createLevels } from '../observe/levels.ts';
import { silentLog } from '../observe/log.ts';
import { createLogger } from '../observe/logger.ts';
import { measured } from '../observe/measured.ts';
import { createMetrics } from '../observe/metrics.ts';
import { redactedLog } from '../observe/redact.ts';
import { assertTerm } from '../revocation/options.ts';
import { backupLine } from '../session/backups.ts';
import type { AuthenticateOptions, Engine, Session } from '../session/contract.ts';
import { isLogLevel, LOG_LEVELS } from '../session/log-levels.ts';
import type { Services } from '../session/services.ts';
import { createKeyRing } from '../token/secrets.ts';
import { type BackupSchedule, newestScheduledMs, scheduleBackups } from './backup-schedule.ts';
import {
  type AuthenticatedHandler,
  authenticateRequest,
  cookiesOf,
  type GuardedHandler,
  peerOf,
  refusal,
} from './guard.ts';
import { previousClosed } from './one.ts';
import { type Open, openPatiently } from './open-patiently.ts';
import type { Sekisho, Starting } from './sekisho.ts';

/** What answers requests once the engine is open. */
interface Surface {
  readonly engine: Engine;
  readonly settings: HttpSettings;
  readonly fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  readonly flush: () => Promise<void>;
}

/**
 * Makes an instance and begins to open it. It answers 503 until it is open, and again when it was closed.
 *
 * @param openWith how record and engine are opened; tests open others.
 */
export function createInstance(config: Config, openWith: Open = openPatiently): Starting {
  const own = config.logger === null ? createLogger(config.logLevel) : null;
  const log = own ?? redactedLog(config.logger ?? silentLog);
  const levels = own === null ? null : createLevels(own);
  const clock = config.clock ?? systemClock;
  let surface: Surface | null = null;
  const metrics = createMetrics();
  const httpOptions: HttpOptions = {
    basePath: config.basePath,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    allowHttpCookies: config.allowHttpCookies,
    clearSiteData: config.clearSiteData,
    clock,
    log,
    meter: metrics.http,
  };
  // Until the issuer is known, only refusals are made by these.
  const early = earlySettings(config, httpOptions);
  const closing = new AbortController();
  let draining = false;
  const operations = createOperationsApp(() => surface?.engine ?? null, {
    metrics,
    draining: () => draining,
    hosts: config.operationsHosts,
  });

  const opening = (async () => {
    await previousClosed(config);
    const open = await openWith(config, {
      ...{ log, levels, clock, signal: closing.signal },
      onEvent: metrics.protocol,
      onRevocation: metrics.revocation,
    });
    const { flush } = open;
    const engine = measured(open.engine, metrics);
    const app = createHttpApp(engine, httpOptions);
    surface = {
      engine,
      flush,
      settings: settingsOf(httpOptions, engine.issuers),
      fetch: (request, env) => app.handle(request, { peerAddress: peerOf(env) }),
    };
    return open;
  })();
  const scheduled = opening.then(
    ({ services }) => startBackups(config, services),
    () => null,
  );
  const ready = opening.then(() => {});
  // Whoever does not wait for it learns of a failure by 503.
  ready.catch(() => {});
  const crashed = opening.then(
    ({ services }) => services.record.crashed ?? never,
    () => never,
  );

  let closed: Promise<void> | null = null;
  async function closeAll(): Promise<void> {
    surface = null;
    closing.abort();
    const open = await opening.catch(() => null);
    surface = null;
    await (await scheduled)?.close();
    await open?.close();
  }

  function usable(): Surface {
    if (surface !== null) return surface;
    throw new SekishoError('not_ready', 'Sekisho is not open: it is starting, or was closed.', {
      retryAfterSeconds: 1,
    });
  }

  const sekisho: Sekisho = {
    basePath: config.basePath,

    async fetch(request, env) {
      try {
        return await usable().fetch(request, env);
      } catch (error) {
        return refusal(error, early, request, env);
      }
    },

    authenticate(credential, options, env) {
      try {
        const { engine, settings } = usable();
        const { authentication } = engine;
        return typeof credential === 'string'
          ? authentication.authenticate(credential, options)
          : authenticateRequest(authentication, settings, credential, options, env);
      } catch (error) {
        return Promise.reject(error);
      }
    },

    withAuth<Rest extends readonly unknown[], Incoming extends Request>(
      handler: AuthenticatedHandler<Rest, Incoming>,
      options?: AuthenticateOptions,
    ): GuardedHandler<Rest, Incoming> {
      return async (request, ...rest) => {
        const [env] = rest;
        let session: Session;
        try {
          session = await sekisho.authenticate(request, options, env);
        } catch (error) {
          return refusal(error, surface?.settings ?? early, request, env);
        }
        // What the application's handler throws is the application's own.
        return handler(request, session, ...(rest as readonly unknown[] as Rest));
      };
    },

    sessions: Object.freeze({
      create: async (input, origin) =>
        usable().engine.logins.createSession(input, {
          requestId: origin?.requestId ?? newId(),
          ip: origin?.ip ?? null,
          userAgent: origin?.userAgent ?? null,
        }),
      cookies: (pair, request, env) => cookiesOf(pair, surface?.settings ?? early, request, env),
    } satisfies Sekisho['sessions']),

    sockets: Object.freeze({
      redeemTicket: async (ticket) => usable().engine.sockets.redeemTicket(ticket),
      connect: (session, kill) => usable().engine.sockets.connect(session, kill),
    } satisfies Sekisho['sockets']),

    allowsOrigin(origin, request, peer) {
      const { allows, readProxy } = surface?.settings ?? early;
      return allows(origin, contextOf(request, peer, readProxy));
    },

    get engine() {
      return usable().engine;
    },

    setLogLevel(level) {
      if (!isLogLevel(level)) {
        const words = `The level of the log must be one of ${LOG_LEVELS.join(', ')}.`;
        throw new SekishoError('invalid_configuration', words);
      }
      if (levels === null) {
        const words = 'The log is the program’s own: set the level of that logger.';
        throw new SekishoError('invalid_configuration', words);
      }
      levels.set(level);
    },

    operations: async (request) => operations.fetch(request),

    async drain() {
      draining = true;
      await surface?.flush();
    },

    close: () => (closed ??= closeAll()),
  };
  return { sekisho: Object.freeze(sekisho), ready, crashed };
}

/** The same instance, closed by `close`: another holder's handle. */
export function withClose(sekisho: Sekisho, close: () => Promise<void>): Sekisho {
  // `engine` is read each time.
  const same = Object.getOwnPropertyDescriptors(sekisho);
  return Object.freeze(
    Object.defineProperties({}, { ...same, close: { value: close, enumerable: true } }),
  ) as Sekisho;
}

/** Where nothing can crash by itself. */
const never = new Promise<Error>(() => {});

/** Backups of an embedded record, where the settings ask for them. */
function startBackups(
  { backups: settings }: Config,
  { backups, ring, clock, log }: Services,
): BackupSchedule | null {
  if (settings === null || backups === null) return null;
  backups.scheduled(settings.everyMs, newestScheduledMs(settings.folder));
  return scheduleBackups({
    ...{ ...settings, clock },
    write: (path, signal) => backups.write({ path, ring, signal }),
    onWritten: (written) => log.info(backupLine(written), 'a backup was written'),
    onFailed(error) {
      backups.failed();
      log.error({ err: error }, 'a backup failed; it is tried again');
    },
  });
}

/** Looks at what can be wrong without a record, so that a start does not wait for a database to say it. */
function earlySettings(config: Config, options: HttpOptions): HttpSettings {
  if (config.secret !== null) createKeyRing(config.secret);
  if (config.redisUrl !== null) parseRedisUrl(config.redisUrl);
  assertTerm(config.leaseMs, config.toleranceMs);
  try {
    return settingsOf(options, () => [config.issuer ?? config.firstIssuer]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SekishoError(
      'invalid_configuration',
      'trustedProxies (SEKISHO_TRUSTED_PROXIES): each must be an address, a CIDR block or loopback.',
      { cause: error },
    );
  }
}
