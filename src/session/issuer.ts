import type { NewAuditEvent } from '../audit/types.ts';
import { SekishoError } from '../errors.ts';
import type { KeyStore } from '../record/contract.ts';
import {
  acceptedIssuersAt,
  endingIssuersAt,
  type IssuedAs,
  type IssuerSchedule,
  issuerAt,
  newestIssuer,
  onlyIssuer,
  parseSchedule,
  withIssuer,
} from '../token/issuer.ts';

/** Who issues the tokens, as the record has it (docs/decisions/0018). */
export interface Issuer {
  /** `iss` of what is minted now. */
  current(): string;
  /**
   * Who issued what was issued then, as far as tokens of theirs are good: after the overlap of a change whoever honours it
   * is its issuer.
   */
  of(issuedAtMs: number): string;
  /** Whose tokens are good now. */
  accepted(): ReadonlySet<string>;
  /** Those of them that have been replaced, and until when their tokens are good. */
  ending(): ReturnType<typeof endingIssuersAt>;
  newest(): IssuedAs;
  /** Looks at the record. */
  refresh(): Promise<void>;
  /**
   * Another one from `activeFromMs` on.
   *
   * @throws SekishoError `conflict` when it was changed meanwhile.
   */
  change(issuer: string, activeFromMs: number, audit: readonly NewAuditEvent[]): Promise<IssuedAs>;
}

export interface IssuerOptions {
  readonly store: Pick<KeyStore, 'issuerSchedule' | 'changeIssuer'>;
  /** The one that the deployment has agreed on, for as long as it was never changed. */
  readonly first: string;
  readonly wallNowMs: () => number;
}

/** @example const issuer = createIssuer({ store: record.keys, first, wallNowMs }) */
export function createIssuer({ store, first, wallNowMs }: IssuerOptions): Issuer {
  let kept: string | null = null;
  let schedule: IssuerSchedule = onlyIssuer(first);

  async function refresh(): Promise<void> {
    kept = await store.issuerSchedule();
    schedule = kept === null ? onlyIssuer(first) : parseSchedule(kept);
  }

  const current = (): string => issuerAt(schedule, wallNowMs());

  return {
    current,
    of(issuedAtMs) {
      const then = issuerAt(schedule, issuedAtMs);
      return acceptedIssuersAt(schedule, wallNowMs()).has(then) ? then : current();
    },
    accepted: () => acceptedIssuersAt(schedule, wallNowMs()),
    ending: () => endingIssuersAt(schedule, wallNowMs()),
    newest: () => newestIssuer(schedule),
    refresh,
    async change(issuer, activeFromMs, audit) {
      await refresh();
      const next = withIssuer(schedule, issuer, activeFromMs, wallNowMs());
      if (!(await store.changeIssuer(kept, JSON.stringify(next), issuer, audit))) {
        throw new SekishoError('conflict', 'The issuer was changed meanwhile; look again.');
      }
      await refresh();
      return newestIssuer(next);
    },
  };
}
