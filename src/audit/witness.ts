import { isId } from '../id.ts';
import type { ChainPlace, PlaceFound } from '../record/trail-contract.ts';
import { sameBytes } from './chain.ts';
import { base64url, type Contradiction, type NamedPlace } from './memory.ts';
import type { Problem } from './verify.ts';

/** Fields and message of a log line. */
type Line = readonly [fields: object, message: string];

/**
 * What is logged of a checkpoint: a log that is kept where nobody who can write to the record can write is a witness of it.
 * The member is called `sha256` because logs drop whatever is called a hash; it is that of the chain, and no secret.
 */
export function checkpointLine(tid: string, { seq, hash }: ChainPlace, kid: string): Line {
  const fields = { tenant_id: tid, seq, sha256: base64url(hash), key_id: kid };
  return [fields, 'a checkpoint of the audit trail was signed'];
}

/** What is logged of a trail that is not what this process has sealed. */
export function contradictionLine({ tid, remembered, found }: Contradiction): Line {
  const place = (of: NamedPlace | null) => of && { seq: of.seq, sha256: of.hash };
  return [
    { tenant_id: tid, sealed: place(remembered), found: place(found) },
    'the audit trail of a tenant is not what this node has sealed: it is neither sealed nor signed; run sekisho audit verify',
  ];
}

/** A place of a chain that a log tells of. */
export interface WitnessedPlace {
  /** '' for the operators' own. */
  readonly tid: string;
  readonly seq: number;
  /** Base64url. */
  readonly hash: string;
}

/** The place that a line of a log tells of; null for any other line. */
export function witnessedIn(line: string): WitnessedPlace | null {
  const said = objectOf(line);
  if (said === null) return null;
  const { tenant_id: tid, seq, sha256: hash, key_id: kid } = said;
  const isTrail = tid === '' || isId(tid);
  const isNumber = typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0;
  if (!isTrail || !isNumber || typeof kid !== 'string') return null;
  return typeof hash === 'string' && HASH.test(hash) ? { tid, seq, hash } : null;
}

/** When such a line was written, milliseconds; null: it does not say. */
export function writtenAt(line: string): number | null {
  const time = Date.parse(String(objectOf(line)?.time));
  return Number.isNaN(time) ? null : time;
}

/** 32 bytes. */
const HASH = /^[\w-]{43}$/;

function objectOf(line: string): Record<string, unknown> | null {
  // Most lines of a log are of requests: they are not even parsed.
  if (!line.includes('"sha256"')) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What holding the chains against a witness came to. */
export interface Witnessed {
  /** Places that the chains agree with. */
  readonly agreeing: number;
  /** Places of what was pruned since: nothing can be said of them. */
  readonly pruned: number;
  readonly problems: readonly Problem[];
}

/** @param found what the chains have, in the order of `said` */
export function judgeWitness(
  said: readonly WitnessedPlace[],
  found: readonly PlaceFound[],
): Witnessed {
  const problems: Problem[] = [];
  let [agreeing, pruned] = [0, 0];
  for (const [index, { tid, seq, hash }] of said.entries()) {
    const there = found[index];
    const here = there?.hash ?? null;
    const lastSeq = there?.head?.seq ?? 0;
    if (here !== null && sameBytes(here, Buffer.from(hash, 'base64url'))) agreeing += 1;
    else if (here === null && (there?.base?.seq ?? 0) > seq) pruned += 1;
    else {
      const [kind, detail] =
        here !== null
          ? (['rewritten', 'the log has another hash here'] as const)
          : lastSeq >= seq
            ? (['removed', 'the log tells of it, and its seal is gone'] as const)
            : (['removed', `the log tells of it, and the chain ends at ${lastSeq}`] as const);
      problems.push({ kind, tid, seq, id: null, detail });
    }
  }
  return { agreeing, pruned, problems };
}
