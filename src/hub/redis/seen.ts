import type { SeenHub, SeenTime, SeenWithLife } from '../seen-contract.ts';
import type { RedisLink } from './link.ts';
import { loadScript, runScript } from './scripts.ts';
import { createSeenKeys, MARKS_LIVE_MS, PARTITIONS, partitionOf } from './seen-keys.ts';
import { beginSweep } from './seen-sweep.ts';

const WRITE = loadScript('write_seen');

/** Sessions a script writes: a fraction of a millisecond. */
const SESSIONS_A_SCRIPT = 100;

interface Partition {
  readonly marks: string;
  /** Whose mark was left last, and which: what was acknowledged before it must not be gone when the next one is left. */
  member: string;
  acknowledged: number;
  lost: boolean;
}

/**
 * Last-seen times in Redis (docs/decisions/0014). They are divided into partitions, each in one slot; what is written into
 * a partition is lost from its end on, if at all (a failover, an older file), or altogether. So a node's mark, left after
 * what it speaks of, proves that this is there.
 */
export function createRedisSeen(link: RedisLink): SeenHub {
  const keys = createSeenKeys(link.prefix);
  const partitions: readonly Partition[] = Array.from({ length: PARTITIONS }, (_, index) => ({
    marks: keys.marks(index),
    member: '',
    acknowledged: 0,
    lost: false,
  }));

  /** Writes one partition's share, in order; what may not have been written. */
  async function writeShare(
    partition: Partition,
    memberId: string,
    { throughMs, latestMs }: Parameters<SeenHub['write']>[1],
    share: readonly SeenWithLife[],
  ): Promise<readonly SeenTime[]> {
    let from = 0;
    try {
      do {
        const chunk = share.slice(from, from + SESSIONS_A_SCRIPT);
        const isLast = from + SESSIONS_A_SCRIPT >= share.length;
        const mark = isLast && throughMs !== null && !partition.lost ? Math.floor(throughMs) : null;
        const names = chunk.map(({ tid, sid }) => keys.session(tid, sid));
        const answer = await runScript(
          link,
          WRITE,
          [partition.marks, ...names],
          [
            ...[partition.member, partition.acknowledged, memberId, mark ?? '', MARKS_LIVE_MS],
            Math.ceil(latestMs),
            ...chunk.flatMap(({ atMs, lifeMs }) => [Math.floor(atMs), Math.ceil(lifeMs)]),
          ],
        );
        if (answer !== 1) partition.lost = true;
        else if (mark !== null) {
          partition.member = memberId;
          partition.acknowledged = mark;
        }
        from += SESSIONS_A_SCRIPT;
      } while (from < share.length);
      return [];
    } catch {
      // Whether this chunk was written is unknown; writing it again does no harm.
      return share.slice(from);
    }
  }

  return {
    connected: () => link.connected(),

    async write(memberId, times, seen) {
      const shares: SeenWithLife[][] = partitions.map(() => []);
      for (const one of seen) shares[partitionOf(one.sid)]?.push(one);
      const unwritten = await Promise.all(
        partitions.map((partition, index) =>
          writeShare(partition, memberId, times, shares[index] ?? []),
        ),
      );
      return { unwritten: unwritten.flat(), lost: partitions.some(({ lost }) => lost) };
    },

    lossNoted() {
      for (const partition of partitions) {
        if (!partition.lost) continue;
        partition.lost = false;
        partition.acknowledged = 0;
      }
    },

    begin: (number) => beginSweep(link, keys, number),

    async forget(memberIds) {
      if (memberIds.length === 0) return;
      await Promise.all(partitions.map(({ marks }) => link.commands.hdel(marks, ...memberIds)));
    },
  };
}
