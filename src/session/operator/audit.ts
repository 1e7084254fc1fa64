import type { KeyOf } from '../../audit/base.ts';
import { lineOf } from '../../audit/export.ts';
import { readKept, recordedKeys } from '../../audit/signed.ts';
import { verifyTrail } from '../../audit/verifier.ts';
import { judgeWitness } from '../../audit/witness.ts';
import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import { type PublicJwk, verifierOfJwk } from '../../token/signing-key.ts';
import type { Services } from '../services.ts';
import { type KeptCheckpoints, MOST_WITNESSED, type OperatorAudit } from './audit-contract.ts';
import { createOperatorAuditKeep } from './audit-keep.ts';
import { everyTid, rowOnTrail, slugOf, tidOf } from './audit-trails.ts';
import { createOperatorAuditTrust, signedNow } from './audit-trust.ts';

const ROWS_A_PAGE = 500;

/** The audit trails as operators read, verify and keep them. */
export function createOperatorAudit(services: Services): OperatorAudit {
  const { record, trail } = services;
  const store = record.trail;

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
      const page = await store.exportPage(tid, filter, { limit: ROWS_A_PAGE, cursor });
      return { lines: page.rows.map(lineOf), next: page.next };
    },

    async verifyAudit(input, onProgress = () => {}) {
      const { all, kept } = input;
      const tids = all ? await everyTid(services) : [await tidOf(services, input)];
      let total = 0;
      for (const tid of tids) {
        const { head, base, waiting } = await store.state(tid);
        total += (head?.seq ?? 0) - (base?.seq ?? 0) + waiting;
        onProgress({ done: 0, total: null });
      }
      // Looked at twice: along the chain, and for rows that are in none.
      let looks = 0;
      const onRows = (rows: number): void => {
        looks += rows;
        onProgress({ done: Math.min(total, Math.floor(looks / 2)), total });
      };
      const ours = await trail.signing.verifiers();
      const keys = { ours, recorded: recordedKeys(await store.keys()) };
      const said = await readKept(kept?.checkpoints ?? [], {
        kept: keysOf(kept?.keys ?? []),
        ours,
      });
      const trails = [];
      for (const tid of tids) {
        const report = await verifyTrail(tid, { store, keys, kept: said.claims, onRows });
        trails.push({ ...report, slug: await slugOf(services, tid) });
      }
      onProgress({ done: total, total });
      const there = new Set(tids);
      const spoken = new Set(said.claims.map(({ tid }) => tid));
      return {
        trails,
        missing: all ? [...spoken].filter((tid) => !there.has(tid)) : [],
        problems: said.problems.filter(({ tid }) => all || there.has(tid)),
      };
    },

    async checkpointAudit(input, onProgress = () => {}) {
      const { left } = await trail.sealer.now((done) => onProgress({ done, total: null }));
      const tids = input.all ? await everyTid(services) : [await tidOf(services, input)];
      const checkpoints: KeptCheckpoints['checkpoints'][number][] = [];
      const doubted = new Set(left);
      for (const tid of tids) {
        const { signed, trusted } = await signedNow(services, tid);
        if (signed !== null) checkpoints.push(signed);
        if (!trusted) doubted.add(tid);
      }
      return {
        issuer: services.issuer.current(),
        checkpoints,
        keys: await trail.signing.publicKeys(),
        left: tids.filter((tid) => doubted.has(tid)),
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
    ...createOperatorAuditTrust(services),
  };
}

function keysOf(jwks: readonly PublicJwk[]): KeyOf {
  try {
    const keys = new Map(jwks.map((jwk) => [jwk.kid, verifierOfJwk(jwk)]));
    return (kid) => keys.get(kid) ?? null;
  } catch (cause) {
    throw new SekishoError('validation_failed', 'These are no keys of checkpoints.', { cause });
  }
}
