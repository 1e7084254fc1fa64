import { lineOf } from '../../audit/export.ts';
import { verifyTrail } from '../../audit/verifier.ts';
import { judgeWitness } from '../../audit/witness.ts';
import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import { readCheckpoint } from '../../token/checkpoint.ts';
import type { Services } from '../services.ts';
import { type KeptCheckpoints, MOST_WITNESSED, type OperatorAudit } from './audit-contract.ts';
import { createOperatorAuditKeep } from './audit-keep.ts';
import { everyTid, rowOnTrail, slugOf, tidOf } from './audit-trails.ts';

const ROWS_A_PAGE = 500;

/** The audit trails as operators read, verify and keep them. */
export function createOperatorAudit(services: Services): OperatorAudit {
  const { record, trail } = services;
  const store = record.trail;

  /** Trails of which somebody has kept a checkpoint of ours. */
  async function tidsOf(checkpoints: readonly string[]): Promise<ReadonlySet<string>> {
    const keyOf = await trail.signing.verifiers();
    const read = await Promise.all(checkpoints.map((token) => readCheckpoint(token, keyOf)));
    return new Set(read.flatMap((one) => (one.kind === 'good' ? [one.claims.tid] : [])));
  }

  return {
    async listAudit(input) {
      return record.audit.list(await tidOf(services, input), input.filter, input.page);
    },

    async exportAudit(input) {
      const tid = await tidOf(services, input);
      if (input.cursor === null) {
        const detail = { by: 'command' };
        await record.audit.append([
          await rowOnTrail(services, tid, { action: 'audit_exported', detail }),
        ]);
      }
      const { filter, cursor } = input;
      const rows = await store.exportPage(tid, filter, { limit: ROWS_A_PAGE, cursor });
      const last = rows.length < ROWS_A_PAGE ? undefined : rows.at(-1);
      return {
        lines: rows.map(lineOf),
        next: last === undefined ? null : { atUs: last.row.atUs, id: last.row.id },
      };
    },

    async verifyAudit(input, onProgress = () => {}) {
      const { all, checkpoints } = input;
      const tids = all ? await everyTid(services) : [await tidOf(services, input)];
      let total = 0;
      for (const tid of tids) {
        const { head, base } = await store.state(tid);
        // Looked at twice: along the chain, and for rows that are in none.
        total += 2 * ((head?.seq ?? 0) - (base?.seq ?? 0));
        onProgress({ done: 0, total: null });
      }
      let done = 0;
      const onRows = (rows: number): void => {
        done += rows;
        onProgress({ done, total: Math.max(total, done) });
      };
      const keyOf = await trail.signing.verifiers();
      const trails = [];
      for (const tid of tids) {
        const report = await verifyTrail(tid, { store, keyOf, kept: checkpoints, onRows });
        trails.push({ ...report, slug: await slugOf(services, tid) });
      }
      onProgress({ done: total, total });
      const kept = await tidsOf(checkpoints);
      return { trails, missing: all ? [...kept].filter((tid) => !tids.includes(tid)) : [] };
    },

    async checkpointAudit(input, onProgress = () => {}) {
      await trail.sealer.now((done) => onProgress({ done, total: null }));
      const tids = input.all ? await everyTid(services) : [await tidOf(services, input)];
      const keyOf = await trail.signing.verifiers();
      const checkpoints: KeptCheckpoints['checkpoints'][number][] = [];
      for (const tid of tids) {
        const { signedToken: token } = await store.state(tid);
        const read = token === null ? null : await readCheckpoint(token, keyOf);
        if (token === null || read?.kind !== 'good') continue;
        const { seq, atMs } = read.claims;
        const at = new Date(atMs).toISOString();
        checkpoints.push({ tenant_id: tid, sequence: seq, at, token });
      }
      return {
        issuer: services.issuer.current(),
        checkpoints,
        keys: await trail.signing.publicKeys(),
      };
    },

    async witnessAudit({ places }) {
      const isOne = ({ tid, seq, hash }: (typeof places)[number]) =>
        (tid === '' || isId(tid)) && Number.isSafeInteger(seq) && typeof hash === 'string';
      if (places.length > MOST_WITNESSED || !places.every(isOne)) {
        throw new SekishoError('validation_failed', 'These are no places of audit trails.');
      }
      return judgeWitness(places, await store.places(places));
    },

    ...createOperatorAuditKeep(services),
  };
}
