import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createPasswordHasher, type PasswordHasher } from '../login/password.ts';
import type { Log } from '../observe/log.ts';
import type { RecordStore } from '../record/contract.ts';
import { createCommitter } from '../revocation/committer.ts';
import type { FollowerEvent } from '../revocation/events.ts';
import { createFollower } from '../revocation/follower.ts';
import { alwaysFresh } from '../session/always-fresh.ts';
import { createAuthenticator, type Known } from '../session/authenticate.ts';
import { createBackups } from '../session/backups.ts';
import { createClientCache } from '../session/client-cache.ts';
import type { Engine, Revocation } from '../session/contract.ts';
import { createEngine } from '../session/engine.ts';
import { createEventFeed } from '../session/events.ts';
import { createIssuer } from '../session/issuer.ts';
import { createKeys, type Keys } from '../session/keys.ts';
import type { Levels } from '../session/log-levels.ts';
import type { Services } from '../session/services.ts';
import { createSightings } from '../session/sightings.ts';
import { endStolen } from '../session/stolen.ts';
import { createKeyRing } from '../token/secrets.ts';
import { createVerifiedCache } from '../token/verified-cache.ts';
import { startBackground, withRedisAttempts } from './background.ts';
import { joinDeployment } from './deployment.ts';
import { createFollowerLog } from './follower-log.ts';
import { openHub } from './hub.ts';
import { guardStart } from './start-guard.ts';

/** An engine at work, with everything beneath it. */
export interface OpenEngine {
  readonly engine: Engine;
  readonly services: Services;
  /** Stops background work and writes what was collected, so that little is left to do at the end. Never rejects. */
  flush(): Promise<void>;
  /** Leaves the membership and closes everything, the last opened first. Never rejects. */
  close(): Promise<void>;
}

/** What an engine is made over; whoever passes a record in has migrated it, and closes it with the engine. */
export interface EngineParts {
  readonly record: RecordStore;
  readonly secret: string;
  readonly config: Pick<
    Config,
    | 'issuer'
    | 'firstIssuer'
    | 'audience'
    | 'leaseMs'
    | 'toleranceMs'
    | 'strict'
    | 'address'
    | 'record'
    | 'redisUrl'
    | 'hub'
  > &
    Partial<Pick<Config, 'tokenCacheSize'>>;
  /** Embedded: a lock proves that no other node exists. */
  readonly exclusive: boolean;
  readonly log: Log;
  /** What an operator may change of it at run time. Default: nothing. */
  readonly levels?: Levels | null;
  readonly clock: Clock;
  /** For tests. Default: argon2id. */
  readonly passwords?: PasswordHasher;
  /** What the follower reports, for metrics. */
  readonly onEvent?: (event: FollowerEvent) => void;
  /** Every revocation of this node, for metrics. */
  readonly onRevocation?: (revocation: Revocation) => void;
  /** Ends the start, which may wait for the record for a long time; everything that was opened is closed. */
  readonly signal?: AbortSignal;
}

/**
 * Joins the membership and puts the use cases together. Everything that was opened is closed again when it fails, the
 * record too. An embedded database that ends meanwhile ends the start.
 *
 * @throws SekishoError `invalid_configuration`, `data_directory_unusable`, `store_unavailable`; `not_ready` when it was
 *   aborted.
 */
export async function openEngine(parts: EngineParts): Promise<OpenEngine> {
  const { record, config, exclusive, log, clock } = parts;
  void record.crashed?.then((error) => {
    log.error({ err: error }, 'the embedded database has ended: start this process anew');
  });
  const closers: (() => unknown)[] = [() => record.close()];
  const close = once(() => closeAll(closers, log));
  const { crashed } = record;
  const guard = guardStart({ place: config.record, crashed, signal: parts.signal });
  const { unlessOver } = guard;
  try {
    const ring = createKeyRing(parts.secret);
    const joining = joinDeployment({ record, ring, config, exclusive, clock, log });
    const deployment = await unlessOver(joining);
    const { id: deploymentId, audience } = deployment;
    const opened = await openHub({ config, deploymentId, ring, clock, log });
    closers.push(() => opened.close());
    const { hub, redis } = opened;
    const levels = parts.levels ?? null;
    const background = {
      record,
      redis,
      hub,
      levels,
      ring,
      issuer: () => issuer.current(),
      log,
      clock,
    };

    let loaded: Keys | null = null;
    // RESTORE: whoever asks next need not wait for it, and the JWK Set has it.
    const keysSince = (event: FollowerEvent): void => {
      if (event.kind !== 'generation_entered') return;
      void loaded?.since(event.generation).catch((error: unknown) => {
        log.warn({ err: error }, 'signing keys could not be looked up; the next token does it');
      });
    };
    const follower = createFollower({
      log: record.log,
      members: record.members,
      hub,
      clock,
      exclusive,
      address: config.address,
      onEvent: listeners(createFollowerLog(log, clock), keysSince, parts.onEvent),
      ...(config.leaseMs === undefined ? {} : { leaseMs: config.leaseMs }),
      ...(config.toleranceMs === undefined ? {} : { toleranceMs: config.toleranceMs }),
    });
    closers.push(() => follower.leave());
    await unlessOver(follower.join());
    await unlessOver(deployment.confirm());
    const wallNowMs = (): number => follower.wallNowMs();
    const generation = (): string | null => follower.status().generation;

    const issuer = createIssuer({ store: record.keys, first: deployment.issuer, wallNowMs });
    const keys = createKeys({
      ...{ store: record.keys, ring, issuer, audience, clock, wallNowMs, generation, log },
    });
    closers.push(() => keys.close());
    await unlessOver(keys.load());
    loaded = keys;

    const sightings = createSightings({
      ...{ clock, wallNowMs, log },
      sighted: record.sessions.sighted.bind(record.sessions),
      stolen: (one) =>
        endStolen(services, one, { requestId: '', ip: one.ip, userAgent: null }, 'access_token'),
    });
    const clientCache = createClientCache({ clock, wallNowMs, hub, follower });
    closers.push(() => clientCache.close());
    const services: Services = Object.freeze({
      ...{ follower, hub, clock, log, keys, ring, issuer, audience, sightings, clientCache },
      record: withRedisAttempts(background, closers),
      backups: record.backups ? createBackups({ store: record.backups, clock }) : null,
      committer: createCommitter({ log: record.log, follower, clock }),
      passwords: parts.passwords ?? createPasswordHasher(),
      onRevocation: parts.onRevocation ?? (() => {}),
      ...startBackground(background, follower, closers),
    });
    closers.push(() => sightings.close());
    const cache = createVerifiedCache<Known>(
      config.tokenCacheSize === undefined ? {} : { maxTokens: config.tokenCacheSize },
    );
    keys.onKeys((kids) => cache.acceptKeys(kids));
    const judging = createAuthenticator(services, cache);
    const authenticator = config.strict ? alwaysFresh(judging) : judging;
    const feed = createEventFeed({ hub, store: record.trail, clock, log });
    closers.push(() => feed.close());
    const engine = createEngine(services, authenticator, feed);
    const flush = async (): Promise<void> => {
      await Promise.all([services.activity.flush(), services.tally.flush(), sightings.flush()]);
    };
    return { engine, services, flush, close };
  } catch (error) {
    await close();
    // Whatever was under way then has failed by it, each in words of its own.
    throw guard.crash() ?? error;
  } finally {
    guard.release();
  }
}

/** Each hears everything. */
function listeners(
  ...all: readonly (((event: FollowerEvent) => void) | undefined)[]
): (event: FollowerEvent) => void {
  return (event) => {
    for (const listener of all) listener?.(event);
  };
}

async function closeAll(closers: (() => unknown)[], log: Log): Promise<void> {
  for (const closer of closers.reverse()) {
    try {
      await closer();
    } catch (error) {
      log.warn({ err: error }, 'something could not be closed');
    }
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= run();
    return running;
  };
}
