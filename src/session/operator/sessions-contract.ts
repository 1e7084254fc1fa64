import type { AuditActor } from '../../audit/types.ts';
import type { SessionRow } from '../../record/contract.ts';

/** A session with whose it is. */
export interface SessionSeen extends SessionRow {
  /** Null: the user was deleted. */
  readonly email: string | null;
}

/** What made a session end, as far as it is known. */
export interface SessionEnd {
  readonly atMs: number;
  /** What was ended: `session`, `user`, `tenant` or `all`. */
  readonly scope: string;
  readonly reason: string | null;
  /** As the trail names it; null: nothing there tells. */
  readonly action: string | null;
  readonly by: {
    readonly kind: AuditActor['kind'];
    /** A user's or a client's id, an operator's own word. */
    readonly name: string | null;
  } | null;
}
