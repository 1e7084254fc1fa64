import { isPrunedBy } from '../../audit/base.ts';
import { sameBytes } from '../../audit/chain.ts';
import { recordedKeys } from '../../audit/signed.ts';
import { verifyTrail } from '../../audit/verifier.ts';
import { SekishoError } from '../../errors.ts';
import type { ChainPlace } from '../../record/trail-contract.ts';
import { type CheckpointClaims, readCheckpoint, signCheckpoint } from '../../token/checkpoint.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { nowMs, type Services } from '../services.ts';
import type { KeptCheckpoints, OperatorAudit } from './audit-contract.ts';
import { everyTid, rowOnTrail, tidOf } from './audit-trails.ts';

/** Rows of a batch where pruning that was broken off is said again. */
const BATCH = 200;

type Kept = KeptCheckpoints['checkpoints'][number];

/** A place of a chain, signed now by the newest key. */
async function sign(
  services: Services,
  kind: CheckpointClaims['kind'],
  tid: string,
  { seq, hash }: ChainPlace,
): Promise<string> {
  const { trail, issuer } = services;
  const claims = { kind, issuer: issuer.current(), tid, seq, hash, atMs: nowMs(services) };
  return signCheckpoint(await trail.signing.signer(), claims);
}

/**
 * The newest checkpoint of a chain; by the newest key, where that can be had. `signed` null: no key of ours has signed it. What this
 * process takes for another chain than it has sealed (`trusted` false) the newest key does not sign again.
 */
export async function signedNow(
  services: Services,
  tid: string,
): Promise<{ readonly signed: Kept | null; readonly trusted: boolean }> {
  const { trail, record } = services;
  const { signedToken, head } = await record.trail.state(tid);
  const trusted = head === null || (await trail.sealer.trusts(tid, head));
  if (signedToken === null || head === null) return { signed: null, trusted };
  const read = await readCheckpoint(signedToken, await trail.signing.verifiers());
  if (read.kind !== 'good') return { signed: null, trusted };
  const { kid, claims } = read;
  const kept = (token: string, atMs: number): Kept => ({
    ...{ tenant_id: tid, sequence: claims.seq, at: new Date(atMs).toISOString(), token },
  });
  const signer = await trail.signing.signer();
  const isHere = claims.tid === tid && claims.seq === head.seq && sameBytes(claims.hash, head.hash);
  // A trail in which nothing happens would otherwise bear the signature of a key of long ago for ever.
  if (signer.kid === kid || !isHere || !trusted) {
    return { signed: kept(signedToken, claims.atMs), trusted };
  }
  const token = await sign(services, 'checkpoint', tid, head);
  const isSaid = await record.trail.seal([{ tid, was: head, seals: [], token }]);
  return {
    signed: isSaid ? kept(token, nowMs(services)) : kept(signedToken, claims.atMs),
    trusted,
  };
}

/** What an operator decides of trails that nodes do not believe, and of the key that signs them. */
export function createOperatorAuditTrust(
  services: Services,
): Pick<OperatorAudit, 'acceptAudit' | 'rotateAuditKey'> {
  const { record, trail } = services;
  const store = record.trail;

  /** Has the newest key say what was pruned, which one of ours has said before, or an operator accepts. */
  async function sayPruned(tid: string, isAccepted: boolean): Promise<void> {
    const { base } = await store.state(tid);
    if (base === null) return;
    const isOurs = await isPrunedBy(await trail.signing.verifiers(), tid, base);
    if (isOurs === isAccepted) return;
    await store.prune(tid, base, await sign(services, 'pruned', tid, base), BATCH);
  }

  return {
    async acceptAudit(input, onProgress = () => {}) {
      const tid = await tidOf(services, input);
      const ours = await trail.signing.verifiers();
      const keys = { ours, recorded: recordedKeys(await store.keys()) };
      let done = 0;
      const { wrong, problems } = await verifyTrail(tid, {
        ...{ store, keys },
        onRows(rows) {
          done += rows;
          onProgress({ done, total: null });
        },
      });
      const { head, signedToken } = await store.state(tid);
      if (head === null) {
        throw new SekishoError('conflict', 'Nothing of this audit trail is sealed.');
      }
      const detail = { to: head.seq, wrong, by: 'command' };
      const accepted = await sign(services, 'accepted', tid, head);
      const isDone = await store.accept(tid, head, accepted, [
        await rowOnTrail(services, tid, { action: 'audit_accepted', detail }),
      ]);
      if (!isDone) {
        const said = 'This audit trail was sealed on just now: look at it again.';
        throw new SekishoError('conflict', said);
      }
      const read = await readCheckpoint(signedToken ?? '', ours);
      if (read.kind !== 'good' || read.claims.seq !== head.seq) {
        const token = await sign(services, 'checkpoint', tid, head);
        await store.seal([{ tid, was: head, seals: [], token }]);
      }
      await sayPruned(tid, true);
      trail.sealer.lookAgain(tid);
      return { tid, sequence: head.seq, wrong, problems };
    },

    async rotateAuditKey() {
      const { kid, retired } = await trail.signing.rotate();
      const subject = { kind: 'audit_key', id: kid };
      const detail = { retired: retired.length, by: 'command' };
      await record.audit.append([
        auditRow(services, {
          ...{ tid: null, action: 'audit_key_rotated', actor: OPERATOR, subject, detail },
        }),
      ]);
      const { left } = await trail.sealer.now();
      const unsigned = new Set(left);
      let signed = 0;
      for (const tid of await everyTid(services)) {
        const now = await signedNow(services, tid);
        if (now.signed === null || !now.trusted) {
          if ((await store.state(tid)).head !== null) unsigned.add(tid);
        } else signed += 1;
        await sayPruned(tid, false);
      }
      return { kid, retired, signed, left: [...unsigned] };
    },
  };
}
