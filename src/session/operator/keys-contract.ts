import type { StoredKey } from '../../record/contract.ts';
import { ISSUER_AHEAD_MS } from '../../token/issuer.ts';

/** How long before its first use a key is published at least: every node has come by twice by then. */
export const LEAST_AHEAD_MS = ISSUER_AHEAD_MS;
/** And at most: 30 days. */
export const MOST_AHEAD_MS = 30 * 86_400_000;

/** A signing key as operators see it. */
export interface KeySeen {
  readonly kid: string;
  readonly alg: StoredKey['alg'];
  /**
   * `coming`: published, and not used yet; `signing`; `verifying`: published until its last token has expired; `gone`:
   * tokens of it are good for nothing.
   */
  readonly state: 'coming' | 'signing' | 'verifying' | 'gone';
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
}

/** An issuer as operators see it. */
export interface IssuerSeen {
  /** `iss` of what is minted now. */
  readonly issuer: string;
  /** The newest one, and from when on tokens are minted as its. */
  readonly newest: string;
  readonly activeFromMs: number;
  /** Whose tokens are good now. */
  readonly accepted: readonly string[];
  /** Those of them that have been replaced, and until when that is so. */
  readonly ending: readonly { readonly issuer: string; readonly untilMs: number }[];
}

export interface OperatorKeys {
  /** Newest first. */
  listKeys(): Promise<readonly KeySeen[]>;
  /**
   * Makes the next signing key: published now, used `aheadMs` later (150,000 at least; null: an hour), so that every cache
   * of the JWK Set has it by then. The one before it stays published until its last token has expired.
   *
   * @throws SekishoError `conflict` when a later one is coming already.
   */
  rotateKeys(input: {
    readonly aheadMs: number | null;
    readonly alg: StoredKey['alg'] | null;
  }): Promise<KeySeen>;
  /**
   * A key signs no more. Where it was the one that does, another is made that signs at once, without having been published
   * ahead. `withdraw`: tokens of it are refused, too, by every node that has looked at the record, which each does once a
   * minute; for a key that somebody else has got.
   */
  retireKey(input: {
    readonly kid: string;
    readonly withdraw: boolean;
  }): Promise<{ readonly key: KeySeen; readonly made: KeySeen | null }>;
  getIssuer(): Promise<IssuerSeen>;
  /**
   * Another `iss`, on every node without a restart: at once where there is one node alone, otherwise as soon as all have seen
   * it coming. Tokens of the one before are good until the last of them has expired.
   *
   * @throws SekishoError `validation_failed`; `conflict` when it is the newest already, or was changed meanwhile.
   */
  changeIssuer(input: { readonly issuer: string }): Promise<IssuerSeen>;
}
