import type { ExportedLine } from '../../audit/export.ts';
import type { TrailStatus } from '../../audit/trail.ts';
import type { AuditEvent } from '../../audit/types.ts';
import type { TrailReport } from '../../audit/verifier.ts';
import type { Problem } from '../../audit/verify.ts';
import type { Witnessed, WitnessedPlace } from '../../audit/witness.ts';
import type { AuditFilter, Page } from '../../record/contract.ts';
import type { Retention } from '../../record/trail-contract.ts';
import type { PublicJwk } from '../../token/signing-key.ts';
import type { OnProgress } from './progress.ts';

/** Whose trail: a tenant's, by slug or id (also of one that was deleted), or null for the operators' own. */
export interface OfTrail {
  readonly tenant: string | null;
}

/** What is kept elsewhere, so that nobody who can write to the record can rewrite the trail unseen. */
export interface KeptCheckpoints {
  readonly issuer: string;
  readonly checkpoints: readonly {
    readonly tenant_id: string;
    readonly sequence: number;
    readonly at: string;
    readonly token: string;
  }[];
  readonly keys: readonly PublicJwk[];
}

/** Places that are held against the chains at once: they fit into one message of the control socket. */
export const MOST_WITNESSED = 250;

/** What was erased: how many rows, and how many were passed over since they are not sealed yet. */
export interface ErasedRows {
  readonly erased: number;
  readonly unsealed: number;
}

export interface OperatorAudit {
  /** Newest first. */
  listAudit(
    input: OfTrail & { readonly filter: AuditFilter; readonly page: Page },
  ): Promise<readonly AuditEvent[]>;
  /** Oldest first, a page a call; `next`: null at the end. The first page leaves an audit row. */
  exportAudit(
    input: OfTrail & {
      readonly filter: AuditFilter;
      readonly cursor: { readonly atUs: number; readonly id: string } | null;
    },
  ): Promise<{
    readonly lines: readonly ExportedLine[];
    readonly next: { readonly atUs: number; readonly id: string } | null;
  }>;
  /**
   * `all`: every trail there is; `kept`: checkpoints that were kept elsewhere, with the keys that were kept with them; null: none.
   * Progress in rows.
   *
   * @throws SekishoError `validation_failed` for keys that are none.
   */
  verifyAudit(
    input: OfTrail & {
      readonly all: boolean;
      readonly kept: Pick<KeptCheckpoints, 'checkpoints' | 'keys'> | null;
    },
    onProgress?: OnProgress,
  ): Promise<{
    readonly trails: readonly (TrailReport & { readonly slug: string | null })[];
    /** Trails of which a kept checkpoint speaks and that are not there any more. */
    readonly missing: readonly string[];
    /** What is wrong with kept checkpoints themselves. */
    readonly problems: readonly Problem[];
  }>;
  /** Holds the chains against what a log tells of them, `MOST_WITNESSED` places at a time. */
  witnessAudit(input: { readonly places: readonly WitnessedPlace[] }): Promise<Witnessed>;
  /**
   * Seals and signs where every chain stands now, and has the newest key say it again of chains that an older one has signed.
   * `left`: tenants whose trails cannot be sealed now, since they were changed by other means. Progress in rows that are sealed.
   */
  checkpointAudit(
    input: OfTrail & { readonly all: boolean },
    onProgress?: OnProgress,
  ): Promise<KeptCheckpoints & { readonly left: readonly string[] }>;
  /**
   * Prunes what was sealed before `beforeMs`, up to a signed checkpoint; `unsealed`: rows of before that which are not sealed
   * yet, and stay until the next time. Progress in rows.
   */
  pruneAudit(
    input: OfTrail & { readonly beforeMs: number },
    onProgress?: OnProgress,
  ): Promise<{ readonly removed: number; readonly to: number | null; readonly unsealed: number }>;
  /**
   * Erases addresses, user agents and e-mail addresses of a user, by e-mail address or id; `unsealed`: rows of theirs that are
   * not sealed yet, and keep them until the next time. Attempts that named a tenant which does not exist stand in the operators'
   * own trail: with `tenant` null of that alone, otherwise of that, too (`operators`), where the e-mail address is known; null: it
   * is not. Progress in rows.
   *
   * @throws SekishoError `not_found` when nobody has that name, and no row is theirs.
   */
  eraseAudit(
    input: OfTrail & { readonly user: string },
    onProgress?: OnProgress,
  ): Promise<ErasedRows & { readonly operators: ErasedRows | null }>;
  /**
   * Has all nodes go on with a chain as it stands, although it is not what they have sealed; signs it, and what was pruned of it,
   * where no key of ours has. `problems`: what verification finds of it now, which stays so. Progress in rows that are verified.
   *
   * @throws SekishoError `conflict` where nothing is sealed, and where it is sealed on at this moment.
   */
  acceptAudit(
    input: OfTrail,
    onProgress?: OnProgress,
  ): Promise<{
    readonly tid: string;
    readonly sequence: number;
    readonly wrong: number;
    readonly problems: readonly Problem[];
  }>;
  /**
   * Has a new key sign all trails from now on, and say again what others have signed of where they stand, and of pruning.
   * `left`: tenants of whose trails no key that opens has signed where they stand, so that the new one does not, either.
   */
  rotateAuditKey(): Promise<{
    readonly kid: string;
    readonly retired: readonly string[];
    readonly signed: number;
    readonly left: readonly string[];
  }>;
  /** `tenant` null: of all that have nothing of their own. */
  getAuditRetention(input: OfTrail): Promise<Retention & { readonly own: boolean }>;
  /** `retention` null: the tenant follows the others again. */
  setAuditRetention(
    input: OfTrail & { readonly retention: Retention | null },
  ): Promise<Retention & { readonly own: boolean }>;
  auditStatus(): Promise<TrailStatus>;
}
