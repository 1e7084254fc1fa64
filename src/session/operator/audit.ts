import { lineOf } from '../../audit/export.ts';
import { eraseOf, prune } from '../../audit/keeping.ts';
import { verifyTrail } from '../../audit/verifier.ts';
import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import type { Retention } from '../../record/trail-contract.ts';
import { normaliseEmail } from '../../tenant/email.ts';
import { readCheckpoint } from '../../token/checkpoint.ts';
import { type AuditInput, auditRow, OPERATOR } from '../audit.ts';
import { nowMs, type Services } from '../services.ts';
import type { KeptCheckpoints, OfTrail, OperatorAudit } from './audit-contract.ts';
import { tenantNamed, userNamed } from './names.ts';

const ROWS_A_PAGE = 500;
const TENANTS_A_PAGE = 200;
/** The tenants that have no retention of their own. */
const OTHERS = '*';
const MOST_DAYS = 36_500;

export function createOperatorAudit(services: Services): OperatorAudit {
  const { record, trail } = services;
  const store = record.trail;

  /** Also of a tenant that was deleted: its trail stays. */
  async function tidOf({ tenant }: OfTrail): Promise<string> {
    if (tenant === null) return '';
    const found = await tenantNamed(services, tenant).catch((error: unknown) => {
      if (error instanceof SekishoError && error.code === 'not_found') return null;
      throw error;
    });
    if (found !== null) return found.tid;
    const isKnown = isId(tenant) && (await store.state(tenant)).head !== null;
    if (isKnown) return tenant;
    throw new SekishoError('not_found', `There is no tenant ${tenant.slice(0, 100)}.`);
  }

  async function everyTid(): Promise<readonly string[]> {
    const tids: string[] = [];
    for (;;) {
      const page = await store.tenants(tids.at(-1) ?? null, TENANTS_A_PAGE);
      tids.push(...page);
      if (page.length < TENANTS_A_PAGE) return tids;
    }
  }

  function row(tid: string, input: Omit<AuditInput, 'tid' | 'actor'>) {
    return auditRow(services, { ...input, tid: tid === '' ? null : tid, actor: OPERATOR });
  }

  async function slugOf(tid: string): Promise<string | null> {
    return tid === '' ? null : ((await record.tenants.byId(tid))?.slug ?? null);
  }

  /** Trails of which somebody has kept a checkpoint of ours. */
  async function tidsOf(checkpoints: readonly string[]): Promise<ReadonlySet<string>> {
    const keyOf = await trail.signing.verifiers();
    const read = await Promise.all(checkpoints.map((token) => readCheckpoint(token, keyOf)));
    return new Set(read.flatMap((one) => (one.kind === 'good' ? [one.claims.tid] : [])));
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

  return {
    async listAudit(input) {
      return record.audit.list(await tidOf(input), input.filter, input.page);
    },

    async exportAudit(input) {
      const tid = await tidOf(input);
      if (input.cursor === null) {
        await record.audit.append([
          row(tid, { action: 'audit_exported', detail: { by: 'command' } }),
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
      const tids = all ? await everyTid() : [await tidOf(input)];
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
        trails.push({ ...report, slug: await slugOf(tid) });
      }
      onProgress({ done: total, total });
      const kept = await tidsOf(checkpoints);
      return { trails, missing: all ? [...kept].filter((tid) => !tids.includes(tid)) : [] };
    },

    async checkpointAudit(input, onProgress = () => {}) {
      await trail.sealer.now((done) => onProgress({ done, total: null }));
      const tids = input.all ? await everyTid() : [await tidOf(input)];
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

    async pruneAudit(input, onProgress = () => {}) {
      const tid = await tidOf(input);
      if (!Number.isSafeInteger(input.beforeMs) || input.beforeMs > nowMs(services)) {
        throw new SekishoError('validation_failed', 'Rows are pruned up to a time in the past.');
      }
      await trail.sealer.now((sealed) => onProgress({ done: sealed, total: null }));
      let done = 0;
      const pruned = await prune(trail.parts, tid, input.beforeMs, (rows) => {
        done += rows;
        onProgress({ done, total: null });
      });
      const detail = { removed: pruned.removed, to: pruned.to, by: 'command' };
      if (pruned.removed > 0) {
        await record.audit.append([row(tid, { action: 'audit_pruned', detail })]);
      }
      return pruned;
    },

    async eraseAudit(input, onProgress = () => {}) {
      const tid = await tidOf({ tenant: input.tenant });
      const user = await userIn(services, tid, input.user);
      // What is not sealed yet cannot be erased.
      await trail.sealer.now((sealed) => onProgress({ done: sealed, total: null }));
      const { head, base } = await store.state(tid);
      const total = (head?.seq ?? 0) - (base?.seq ?? 0);
      let done = 0;
      const erased = await eraseOf(trail.parts, tid, user, (rows) => {
        done += rows;
        onProgress({ done, total: Math.max(total, done) });
      });
      const subject = { kind: 'user', id: user.uid };
      const detail = { erased, by: 'command' };
      await record.audit.append([row(tid, { action: 'audit_erased', subject, detail })]);
      return { erased };
    },

    getAuditRetention: async (input) =>
      retentionOf(input.tenant === null ? OTHERS : await tidOf(input)),

    async setAuditRetention(input) {
      const tid = input.tenant === null ? OTHERS : await tidOf(input);
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
      const audited = row(tid === OTHERS ? '' : tid, { action: 'audit_retention_changed', detail });
      await store.keepRetention(tid, retention, [audited]);
      return retentionOf(tid);
    },

    auditStatus: async () => trail.status(),
  };
}

/** By e-mail address or id; one who was deleted by their id alone, or by an address that nobody has any more. */
async function userIn(
  services: Services,
  tid: string,
  name: string,
): Promise<{ readonly uid: string; readonly email: string | null }> {
  try {
    const tenant = await tenantNamed(services, tid);
    const { uid, email } = await userNamed(services, tenant, name);
    return { uid, email };
  } catch (error) {
    if (!(error instanceof SekishoError) || error.code !== 'not_found') throw error;
    const email = normaliseEmail(name);
    if (isId(name)) return { uid: name, email: null };
    if (email !== null) return { uid: '', email };
    throw error;
  }
}
