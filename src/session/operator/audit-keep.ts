import { eraseOf, prune } from '../../audit/keeping.ts';
import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import type { Retention } from '../../record/trail-contract.ts';
import { normaliseEmail } from '../../tenant/email.ts';
import { nowMs, type Services } from '../services.ts';
import type { ErasedRows, OperatorAudit } from './audit-contract.ts';
import { rowOnTrail, tidOf } from './audit-trails.ts';
import { tenantNamed, userNamed } from './names.ts';
import type { OnProgress } from './progress.ts';

/** The tenants that have no retention of their own. */
const OTHERS = '*';
const MOST_DAYS = 36_500;

/**
 * How long the trail is kept, and what goes before that. What is to go stands in the trail before anything goes, so that a
 * process that ends half-way leaves a row; what became of it is another one.
 */
export function createOperatorAuditKeep(
  services: Services,
): Pick<
  OperatorAudit,
  'pruneAudit' | 'eraseAudit' | 'getAuditRetention' | 'setAuditRetention' | 'auditStatus'
> {
  const { record, trail } = services;
  const store = record.trail;

  async function write(tid: string, row: Parameters<typeof rowOnTrail>[2]): Promise<void> {
    await record.audit.append([await rowOnTrail(services, tid, row)]);
  }

  async function retentionOf(tid: string): Promise<Retention & { readonly own: boolean }> {
    const own = await store.retention(tid);
    const others = own ?? (await store.retention(OTHERS));
    return {
      auditDays: others?.auditDays ?? null,
      personalDays: others?.personalDays ?? null,
      own: own !== null,
    };
  }

  async function eraseIn(
    tid: string,
    user: Pick<Erased, 'uid' | 'email'>,
    onProgress: OnProgress,
  ): Promise<ErasedRows & { readonly found: number }> {
    // An address is not written into a trail that it is erased from.
    const subject = user.uid === '' ? null : { kind: 'user', id: user.uid };
    await write(tid, { action: 'audit_erase_begun', subject, detail: { by: 'command' } });
    // What is not sealed yet cannot be erased.
    await trail.sealer.now((sealed) => onProgress({ done: sealed, total: null }));
    const { head, base } = await store.state(tid);
    const total = (head?.seq ?? 0) - (base?.seq ?? 0);
    let done = 0;
    const came = await eraseOf(trail.parts, tid, user, (rows) => {
      done += rows;
      onProgress({ done, total: Math.max(total, done) });
    });
    const { found, erased, passed: unsealed } = came;
    const detail = { erased, unsealed, by: 'command' };
    await write(tid, { action: 'audit_erased', subject, detail });
    return { found, erased, unsealed };
  }

  return {
    async pruneAudit(input, onProgress = () => {}) {
      const tid = await tidOf(services, input);
      const { beforeMs } = input;
      if (!Number.isSafeInteger(beforeMs) || beforeMs > nowMs(services)) {
        throw new SekishoError('validation_failed', 'Rows are pruned up to a time in the past.');
      }
      await trail.sealer.now((sealed) => onProgress({ done: sealed, total: null }));
      const before = new Date(beforeMs).toISOString();
      let done = 0;
      let isBegun = false;
      const pruned = await prune(trail.parts, tid, beforeMs, {
        async onBegin(to) {
          isBegun = true;
          const detail = { to, before, by: 'command' };
          await write(tid, { action: 'audit_prune_begun', detail });
        },
        onRows(rows) {
          done += rows;
          onProgress({ done, total: null });
        },
      });
      const unsealed = await store.unsealedBefore(tid, beforeMs);
      if (isBegun) {
        const detail = { removed: pruned.removed, to: pruned.to, unsealed, by: 'command' };
        await write(tid, { action: 'audit_pruned', detail });
      }
      return { ...pruned, unsealed };
    },

    async eraseAudit(input, onProgress = () => {}) {
      const { tenant } = input;
      const tid = await tidOf(services, { tenant });
      const user = await userIn(services, tid, input.user);
      const { found, ...rows } = await eraseIn(tid, user, onProgress);
      // Of one tenant or another: what was typed under a wrong name says nothing of which was meant.
      const typed = { uid: '', email: user.email };
      const own = tid === '' || user.email === null ? null : await eraseIn('', typed, onProgress);
      if (found + (own?.found ?? 0) === 0 && !user.known) {
        const whose =
          tenant === null ? "the operators' audit trail" : `the audit trail of ${tenant}`;
        const name = input.user.slice(0, 100);
        throw new SekishoError('not_found', `Nothing was found of ${name} in ${whose}.`);
      }
      const operators = own && { erased: own.erased, unsealed: own.unsealed };
      return { ...rows, operators };
    },

    getAuditRetention: async (input) =>
      retentionOf(input.tenant === null ? OTHERS : await tidOf(services, input)),

    async setAuditRetention(input) {
      const tid = input.tenant === null ? OTHERS : await tidOf(services, input);
      const { retention } = input;
      for (const days of [retention?.auditDays, retention?.personalDays]) {
        if (days == null || (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS)) continue;
        throw new SekishoError('validation_failed', `Days are whole: 1 to ${MOST_DAYS}.`);
      }
      const detail = {
        audit_days: retention?.auditDays ?? null,
        personal_days: retention?.personalDays ?? null,
        own: retention !== null,
      };
      const whose = tid === OTHERS ? '' : tid;
      const action = 'audit_retention_changed';
      await store.keepRetention(tid, retention, [
        await rowOnTrail(services, whose, { action, detail }),
      ]);
      return retentionOf(tid);
    },

    auditStatus: async () => trail.status(),
  };
}

/** Whose data are erased. `uid` '': known by their address alone; `known`: they are a user of that tenant now. */
interface Erased {
  readonly uid: string;
  readonly email: string | null;
  readonly known: boolean;
}

/**
 * By e-mail address or id; one who was deleted, and whoever stands in the operators' trail because the tenant that they named
 * does not exist, by their id alone, or by an address that nobody has.
 */
async function userIn(services: Services, tid: string, name: string): Promise<Erased> {
  try {
    if (tid === '') throw new SekishoError('not_found', 'This is no id and no e-mail address.');
    const tenant = await tenantNamed(services, tid);
    const { uid, email } = await userNamed(services, tenant, name);
    return { uid, email, known: true };
  } catch (error) {
    if (!(error instanceof SekishoError) || error.code !== 'not_found') throw error;
    const email = normaliseEmail(name);
    if (isId(name)) return { uid: name, email: null, known: false };
    if (email !== null) return { uid: '', email, known: false };
    throw error;
  }
}
