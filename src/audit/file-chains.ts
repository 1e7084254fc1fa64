import { genesisOf } from './chain.ts';
import type { Problem } from './verify.ts';

/** Characters of a hash in base64url. */
const HASH_LENGTH = 43;

/** Where a row of a file stands in its chain, hashes in base64url. */
export interface FilePlace {
  readonly tid: string;
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
  /** When it says that it was written. */
  readonly atMs: number;
  /** The hash that it says it follows. */
  readonly previous: string;
}

/**
 * The chains of a file as far as it has them, whatever the order of its rows: about 200 bytes a row, and as much again while the
 * row before it has not come. Sixteen million rows of one tenant at most.
 */
export interface FileChains {
  add(place: FilePlace): void;
  /** The row of that number and its hash; null: the file has none. */
  at(tid: string, seq: number): FileRow | null;
  /** Trails that the file has, and the numbers of one in order. */
  tids(): readonly string[];
  numbers(tid: string): Float64Array;
  /** Rows whose neighbour before them never came. */
  gaps(): number;
}

export type FileRow = Pick<FilePlace, 'id' | 'hash' | 'atMs'>;

interface Chain {
  /** Hash, time and id of every row, in one flat string: a million objects would cost twice as much. */
  readonly rows: Map<number, string>;
  /** Rows whose neighbour before them has not come yet, by its number. */
  readonly open: Map<number, FilePlace>;
}

export function createFileChains(report: (problem: Problem) => void): FileChains {
  const chains = new Map<string, Chain>();

  function at(tid: string, seq: number): FileRow | null {
    const row = chains.get(tid)?.rows.get(seq);
    if (row === undefined) return null;
    const [time = '', id = ''] = row.slice(HASH_LENGTH).split(/ (.*)/s, 2);
    return { hash: row.slice(0, HASH_LENGTH), id, atMs: Number.parseInt(time, 36) };
  }

  function compare({ tid, seq, id, previous }: FilePlace, before: string): void {
    if (previous === before) return;
    const detail = 'it does not follow from the row before it';
    report({ kind: 'changed', tid, seq, id, detail });
  }

  return {
    at,
    add(place) {
      const { tid, seq, id, hash, atMs } = place;
      const chain = chains.get(tid) ?? { rows: new Map(), open: new Map() };
      chains.set(tid, chain);
      if (chain.rows.has(seq)) {
        report({ kind: 'inserted', tid, seq, id, detail: 'two rows of the file have this number' });
        return;
      }
      const row = `${hash}${Math.floor(atMs).toString(36)} ${id}`;
      chain.rows.set(seq, Buffer.from(row, 'utf8').toString('utf8'));
      const after = chain.open.get(seq);
      if (after !== undefined) compare(after, hash);
      chain.open.delete(seq);
      if (seq === 1) return;
      const before = at(tid, seq - 1);
      if (before === null) chain.open.set(seq - 1, place);
      else compare(place, before.hash);
    },
    tids: () => [...chains.keys()],
    numbers: (tid) => Float64Array.from(chains.get(tid)?.rows.keys() ?? []).sort(),
    gaps() {
      let gaps = 0;
      for (const { open } of chains.values()) gaps += open.size;
      return gaps;
    },
  };
}

/** What the first row of a trail follows, in base64url. */
export function firstPrevious(tid: string): string {
  return Buffer.from(genesisOf(tid)).toString('base64url');
}
