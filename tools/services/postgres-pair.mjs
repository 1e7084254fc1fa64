/**
 * A primary with a streaming replica behind one address, as nodes of a deployment see it: a proxy in
 * front is the name that moves with a failover.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres, startReplica } from './postgres.mjs';
import { withClient } from './postgres-clients.mjs';
import { startProxy } from './tcp-proxy.mjs';

const waitTimeoutMs = 60_000;

/** A pause of the stream must not end it by itself. */
const streaming = {
  wal_sender_timeout: 0,
  wal_receiver_timeout: 0,
  wal_retrieve_retry_interval: 100,
};

/**
 * @typedef {import('./postgres.mjs').Postgres} Postgres
 *
 * @typedef {object} PostgresPair
 * @property {string} url by way of the proxy in front: whoever is the primary
 * @property {string} superuserUrl likewise
 * @property {import('./tcp-proxy.mjs').TcpProxy} front speaks PostgreSQL: faults may be set on it, too
 * @property {Postgres} primary where the front leads to now
 * @property {Postgres | undefined} standby the replica that follows, until it is promoted
 * @property {Postgres | undefined} old the last primary that was left
 * @property {() => Promise<void>} caughtUp waits until the standby has replayed what the primary has
 *   written
 * @property {() => void} pauseReplication the standby gets nothing more; under synchronous replication
 *   commits wait from now on
 * @property {() => void} resumeReplication
 * @property {() => Promise<void>} fence ends the primary at once, as a crash would
 * @property {() => Promise<void>} promote makes the standby a primary; the front still leads where it led
 * @property {(options?: { fenced?: boolean }) => Promise<void>} failover the standby becomes the primary behind
 *   the front. Fenced unless told otherwise: the old one is ended first. Not fenced: it runs on, and connections that
 *   lead to it stay open.
 * @property {<T>(write: () => Promise<T>) => Promise<T>} lostEnd asynchronous only: a fenced failover
 *   that loses exactly what `write` writes
 * @property {() => Promise<void>} follow a new standby of the primary, for the next failover
 * @property {() => Promise<void>} stop ends all of them and removes their data
 */

/**
 * @param {{ synchronous: boolean, settings?: Record<string, string | number> }} options `synchronous`:
 *   a commit is acknowledged when the standby has it
 * @returns {Promise<PostgresPair>}
 */
export async function startPostgresPair({ synchronous, settings = {} }) {
  /** @type {(() => Promise<void>)[]} what is stopped at the end, last first */
  const running = [];
  const stop = async () => {
    for (const end of running.splice(0).reverse()) await end();
  };
  let standbys = 0;
  /** @type {Postgres | undefined} */
  let standby;
  /** @type {Postgres | undefined} */
  let old;
  /** @type {import('./tcp-proxy.mjs').TcpProxy | undefined} */
  let stream;

  try {
    let primary = await startPostgres({ settings: { ...streaming, ...settings } });
    running.push(primary.stop);
    const front = await startProxy({ target: addressOf(primary), protocol: 'postgres' });
    running.push(front.stop);

    const follow = async () => {
      if (standby !== undefined) throw new Error('there is a standby already');
      standbys += 1;
      const name = `standby_${standbys}`;
      const between = await startProxy({ target: addressOf(primary) });
      running.push(between.stop);
      const replica = await startReplica(primary, {
        ...{ primaryPort: between.port, name },
        settings: { ...streaming, ...settings },
      });
      running.push(replica.stop);
      stream = between;
      standby = replica;
      await until(`${name} follows`, () =>
        holds(
          primary.superuserUrl,
          `select state = 'streaming' from pg_stat_replication where application_name = '${name}'`,
        ),
      );
      if (synchronous) await waitFor(primary, name);
    };

    const caughtUp = async () => {
      const [follower, leader] = [theStandby(), primary];
      const written = await one(leader.superuserUrl, 'select pg_current_wal_insert_lsn()');
      await until('the standby has caught up', () =>
        holds(follower.superuserUrl, `select pg_last_wal_replay_lsn() >= '${written}'::pg_lsn`),
      );
    };

    const promote = async () => {
      const follower = theStandby();
      await one(follower.superuserUrl, 'select pg_promote(false)');
      await until('the standby is a primary', () =>
        holds(follower.superuserUrl, 'select not pg_is_in_recovery()'),
      );
    };

    /** @param {{ fenced?: boolean }} [how] */
    const failover = async ({ fenced = true } = {}) => {
      const follower = theStandby();
      if (fenced) await primary.halt('immediate');
      await promote();
      front.setTarget(addressOf(follower));
      old = primary;
      primary = follower;
      standby = undefined;
      // What was open through a server that is gone has ended with it, but not what had just begun.
      if (fenced) front.cut();
    };

    const theStandby = () => {
      if (standby === undefined) throw new Error('there is no standby; follow() makes one');
      return standby;
    };

    await follow();
    return {
      url: front.through(primary.url),
      superuserUrl: front.through(primary.superuserUrl),
      front,
      get primary() {
        return primary;
      },
      get standby() {
        return standby;
      },
      get old() {
        return old;
      },
      caughtUp,
      pauseReplication: () => stream?.setMode({ kind: 'blackhole' }),
      resumeReplication: () => stream?.setMode({ kind: 'pass' }),
      fence: () => primary.halt('immediate'),
      promote,
      failover,
      async lostEnd(write) {
        if (synchronous) throw new Error('a synchronous pair loses nothing that was acknowledged');
        await caughtUp();
        stream?.setMode({ kind: 'blackhole' });
        const written = await write();
        await failover();
        return written;
      },
      follow,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** From now on commits of the primary wait for that standby. @param {Postgres} primary @param {string} name */
async function waitFor(primary, name) {
  await withClient(primary.superuserUrl, async (client) => {
    await client.query(`alter system set synchronous_standby_names = '${name}'`);
    await client.query('select pg_reload_conf()');
  });
  await until('commits wait for the standby', () =>
    holds(
      primary.superuserUrl,
      `select sync_state = 'sync' from pg_stat_replication where application_name = '${name}'`,
    ),
  );
}

/** @param {string} url @param {string} sql @returns {Promise<unknown>} the first column of the first row */
async function one(url, sql) {
  const { rows } = await withClient(url, (client) => client.query({ text: sql, rowMode: 'array' }));
  return rows[0]?.[0];
}

/** @param {string} url @param {string} sql */
async function holds(url, sql) {
  return (await one(url, sql)) === true;
}

/** @param {string} what @param {() => Promise<boolean>} check */
async function until(what, check) {
  const deadline = Date.now() + waitTimeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`Waited ${waitTimeoutMs} ms in vain: ${what}`);
    await sleep(50);
  }
}

/** @param {Postgres} postgres */
function addressOf({ port }) {
  return { host: '127.0.0.1', port };
}
