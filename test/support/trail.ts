import type { KeeperParts } from '../../src/audit/keeping.ts';
import { createSealer, type Sealer } from '../../src/audit/sealer.ts';
import { createTrailSigning, type TrailSigning } from '../../src/audit/signing.ts';
import type { NewAuditEvent } from '../../src/audit/types.ts';
import { type TrailReport, verifyTrail } from '../../src/audit/verifier.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { newId } from '../../src/id.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import type { SqlCall } from '../../src/record/database.ts';
import type { TrailStore } from '../../src/record/trail-contract.ts';
import { auditEvent, type RecordFixture, ring, START_MS, seedTenant } from './seed.ts';

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
  store: Pick<TrailStore, 'take' | 'seal' | 'release' | 'places'> = record.trail,
  wallMs: () => number = () => Date.now(),
  log: Log = silentLog,
): TestSealer {
  const signing = createTrailSigning({ store: record.trail, ring, wallNowMs: wallMs });
  const member = newId();
  const sealer = createSealer({
    ...{ store, signing, issuer: () => ISSUER, clock: restless, wallNowMs: wallMs, log },
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
  const signing = createTrailSigning({ store: record.trail, ring, wallNowMs: () => Date.now() });
  return verifyTrail(tid, { store: record.trail, keyOf: await signing.verifiers(), kept });
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

/** What somebody does who owns the tables and switches every guard off. */
export async function tamper(
  { database }: RecordFixture,
  ...calls: readonly SqlCall[]
): Promise<void> {
  const each = (what: (table: string) => string) => TABLES.map(what).join('\n');
  await database.script(
    each(
      (table) =>
        `alter table sekisho.${table} disable trigger user; alter table sekisho.${table} no force row level security;`,
    ),
  );
  try {
    await database.transaction([...calls, { text: 'select 1' }]);
  } finally {
    await database.script(
      each(
        (table) =>
          `alter table sekisho.${table} enable trigger user; alter table sekisho.${table} force row level security;`,
      ),
    );
  }
}
