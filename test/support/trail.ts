import { randomBytes } from 'node:crypto';
import { genesisOf, SALT_BYTES, sealOf } from '../../src/audit/chain.ts';
import type { KeeperParts } from '../../src/audit/keeping.ts';
import { createSealer, type Sealer } from '../../src/audit/sealer.ts';
import { recordedKeys, type TrailKeys } from '../../src/audit/signed.ts';
import { createTrailSigning, type TrailSigning } from '../../src/audit/signing.ts';
import type { NewAuditEvent } from '../../src/audit/types.ts';
import { type TrailReport, verifyTrail } from '../../src/audit/verifier.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { newId } from '../../src/id.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import { createLogger, type LevelledLog } from '../../src/observe/logger.ts';
import type { SqlCall } from '../../src/record/database.ts';
import type { Seal, TrailStore } from '../../src/record/trail-contract.ts';
import { readCheckpoint } from '../../src/token/checkpoint.ts';
import type { KeyRing } from '../../src/token/secrets.ts';
import { auditEvent, ring as ownRing, type RecordFixture, START_MS, seedTenant } from './seed.ts';

export const ISSUER = 'https://trail.example';

/** Rests are over at once; what runs by itself after a second or more never does. */
export const restless: Clock = {
  ...systemClock,
  after(delayMs, run) {
    if (delayMs >= 100) return { cancel() {} };
    const timer = setImmediate(run);
    return { cancel: () => clearImmediate(timer) };
  },
};

/** A sealer whose turn it is, and which runs when a test says so. */
export interface TestSealer {
  readonly sealer: Sealer;
  readonly signing: TrailSigning;
}

export function sealerOf(
  { record }: RecordFixture,
  options: {
    readonly store?: Pick<TrailStore, 'take' | 'seal' | 'release' | 'places' | 'heads'>;
    readonly log?: Log;
    readonly clock?: Clock;
    readonly ring?: KeyRing;
  } = {},
): TestSealer {
  const { store = record.trail, log = silentLog, clock = restless, ring = ownRing } = options;
  const wallNowMs = (): number => Date.now();
  const signing = createTrailSigning({ store: record.trail, ring, wallNowMs });
  const member = newId();
  const sealer = createSealer({
    ...{ store, signing, issuer: () => ISSUER, clock, wallNowMs, log },
    memberId: () => member,
  });
  return { sealer, signing };
}

/** Seals everything at once and signs where the chains stand. */
export async function sealAll(fixture: RecordFixture): Promise<void> {
  const { sealer } = sealerOf(fixture);
  await sealer.now();
  await sealer.close();
}

export async function verifyAll(
  { record }: RecordFixture,
  tid: string,
  kept: readonly string[] = [],
): Promise<TrailReport> {
  const keys = await trailKeys(record.trail);
  const read = await Promise.all(kept.map((token) => readCheckpoint(token, keys.ours)));
  const claims = read.map((one) => {
    if (one.kind !== 'good') throw new Error('a kept checkpoint is none of ours');
    return one.claims;
  });
  return verifyTrail(tid, { store: record.trail, keys, kept: claims });
}

/** What checkpoints in the record are verified with. */
export async function trailKeys(store: TrailStore, ring: KeyRing = ownRing): Promise<TrailKeys> {
  const signing = createTrailSigning({ store, ring, wallNowMs: () => Date.now() });
  return { ours: await signing.verifiers(), recorded: recordedKeys(await store.keys()) };
}

/** Rows of a tenant, one after the other in time. */
export async function write(
  { record }: RecordFixture,
  tid: string,
  count: number,
  more: (n: number) => Partial<NewAuditEvent> = () => ({}),
): Promise<readonly NewAuditEvent[]> {
  const events = Array.from({ length: count }, (_, n) =>
    auditEvent(tid, 'authn_login_success', { atMs: START_MS + n, ...more(n) }),
  );
  await record.audit.append(events);
  return events;
}

/** A tenant with sealed, signed rows. */
export async function sealedTenant(
  fixture: RecordFixture,
  count: number,
): Promise<{ readonly tid: string; readonly ids: readonly string[] }> {
  const { tid } = await seedTenant(fixture);
  // Tests date seals back.
  await tamper(fixture, begunAgo('3 days'));
  const events = await write(fixture, tid, count, (n) => ({
    detail: n % 2 === 0 ? { email: `user${n}@example.test`, n } : {},
    ...(n % 3 === 0 ? { ip: null, userAgent: null } : {}),
  }));
  await sealAll(fixture);
  return { tid, ids: events.map(({ id }) => id) };
}

export function keeperParts(fixture: RecordFixture): KeeperParts {
  const { signing } = sealerOf(fixture);
  return {
    ...{ store: fixture.record.trail, signing, issuer: () => ISSUER },
    wallNowMs: () => Date.now(),
    mayGoOn: async () => true,
  };
}

/** What of a report tells the problems apart: kind, number, row. */
export const kinds = ({ problems }: TrailReport) =>
  problems.map(({ kind, seq, id }) => [kind, seq, id] as const);

const TABLES = ['audit', 'audit_seal', 'audit_chain', 'audit_checkpoint', 'audit_unsealed'];

/** As if trails had been sealed for so long: a seal of before that is no true one. */
export const begunAgo = (ago: string): SqlCall => ({
  text: 'update sekisho.audit_sealer set begun_at = now() - $1::text::interval',
  values: [ago],
});

/** What somebody does who owns the tables and switches every guard off. */
export async function tamper(
  { database }: RecordFixture,
  ...calls: readonly SqlCall[]
): Promise<void> {
  const each = (what: (table: string) => string) => TABLES.map(what).join('\n');
  await database.script(
    `alter table sekisho.audit_sealer disable trigger user;${each(
      (table) =>
        `alter table sekisho.${table} disable trigger user; alter table sekisho.${table} no force row level security;`,
    )}`,
  );
  try {
    await database.transaction([...calls, { text: 'select 1' }]);
  } finally {
    await database.script(
      `alter table sekisho.audit_sealer enable trigger user;${each(
        (table) =>
          `alter table sekisho.${table} enable trigger user; alter table sekisho.${table} force row level security;`,
      )}`,
    );
  }
}

/**
 * What somebody does who can write to the database and knows how the trail is made: changes rows by `change` ($1: the tenant)
 * and gives what is left a chain with good hashes, as if it had never been another. No checkpoint of the old one stays.
 */
export async function rewriteChain(
  fixture: RecordFixture,
  tid: string,
  ...change: readonly SqlCall[]
): Promise<void> {
  await tamper(fixture, ...change);
  const { trail } = fixture.record;
  const rows = (await trail.sealed(tid, 0, 1_000)).flatMap(({ row }) => (row ? [row] : []));
  const seals: Seal[] = [];
  for (const [index, row] of rows.entries()) {
    const before = seals.at(-1)?.hash ?? genesisOf(tid);
    seals.push(sealOf(before, index + 1, row, () => randomBytes(SALT_BYTES)));
  }
  const bytea = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes);
  await tamper(
    fixture,
    ...['audit_seal', 'audit_checkpoint'].map((table) => ({
      text: `delete from sekisho.${table} where tid = $1`,
      values: [tid],
    })),
    ...seals.map(({ seq, id, hash, personal, salt }) => ({
      text: 'insert into sekisho.audit_seal values ($1, $2, $3, $4, $5, $6, now())',
      values: [tid, seq, id, bytea(hash), bytea(personal), bytea(salt)],
    })),
    {
      text: `update sekisho.audit_chain set seq = $2, hash = $3, signed_seq = 0, signed_token = null,
        unsigned_since = now() - interval '1 hour', base_seq = 0, base_hash = null, base_token = null where tid = $1`,
      values: [tid, seals.length, bytea(seals.at(-1)?.hash ?? genesisOf(tid))],
    },
  );
}

/** Keeps what a node logs: the fields of each line, and the lines as they are written. */
export function keepingLog(): { readonly log: LevelledLog; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: createLogger('info', (line) => lines.push(line)), lines };
}
