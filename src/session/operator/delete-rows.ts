import { SekishoError } from '../../errors.ts';
import type { Tenant } from '../../tenant/types.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import type { Services } from '../services.ts';
import type { OnProgress } from './contract.ts';

/** Rows that one statement removes: far shorter than a lease, also where heartbeats share the connection. */
const BATCH = 500;
/** Rows of a table that are counted for the progress; counting more would itself be long. */
const COUNTED = 100_000;

/**
 * Removes a tenant that is being deleted, batch by batch, its own row and slug last. Two that do it at once share the
 * work. Resolves with how many rows this one has removed.
 *
 * @throws SekishoError `store_unavailable`: what is left goes when it is asked for again.
 */
export async function deleteRows(
  services: Services,
  { tid, slug, name }: Tenant,
  onProgress: OnProgress = () => {},
): Promise<number> {
  const { tenants } = services.record;
  const counted = await tenants.countRows(tid, COUNTED);
  const total = counted === null ? null : counted + 1;
  let done = 0;
  for (;;) {
    onProgress({ done, total: total === null ? null : Math.max(total, done) });
    const audit = auditRow(services, {
      ...{ tid: null, action: 'tenant_deleted', actor: OPERATOR },
      subject: { kind: 'tenant', id: tid },
      detail: { slug, name, rows: done + 1 },
    });
    const batch = await tenants.deleteRows(tid, BATCH, [audit]).catch((error: unknown) => {
      throw unfinished(error, slug);
    });
    done += batch.rows;
    if (batch.kind === 'removed') continue;
    // `not_found`: somebody else has just removed the last row.
    onProgress({ done, total: done });
    return done;
  }
}

/** Everything is ended by now, so whoever reads this need not hurry. */
function unfinished(error: unknown, slug: string): unknown {
  if (!(error instanceof SekishoError) || error.status !== 503) return error;
  return new SekishoError(
    error.code,
    `${error.message} The tenant ${slug} is being deleted and nobody can log in; delete it again to go on.`,
    { retryAfterSeconds: error.retryAfterSeconds ?? 1, cause: error },
  );
}
