/** Into how many parts last-seen is divided; each lies in one slot of a Cluster, all together on every master. */
export const PARTITIONS = 32;

/** Marks outlive whatever they speak of; a deployment that was away for longer sweeps as after a loss. */
export const MARKS_LIVE_MS = 14 * 86_400_000;

const NAME = /^([\w-]{1,64}):([\w-]{1,64}):\{([0-9a-f]{1,2})\}$/;

/** Names of the keys under which last-seen times wait to be swept. */
export interface SeenKeys {
  /** `<prefix>session:<tid>:<sid>:{<partition>}` */
  session(tid: string, sid: string): string;
  /** `<prefix>seen:{<partition>}`: the nodes' marks and the sweep's marker. */
  marks(partition: number): string;
  /** What `SCAN MATCH` finds sessions by. */
  readonly pattern: string;
  /** Null for a name that no node could have written. */
  parse(key: string): SeenKey | null;
}

export interface SeenKey {
  readonly tid: string;
  readonly sid: string;
  /** The hash tag: keys with the same one lie in one slot. */
  readonly tag: string;
}

export function createSeenKeys(prefix: string): SeenKeys {
  const sessions = `${prefix}session:`;
  return {
    session: (tid, sid) => `${sessions}${tid}:${sid}:{${partitionOf(sid).toString(16)}}`,
    marks: (partition) => `${prefix}seen:{${partition.toString(16)}}`,
    pattern: `${sessions.replaceAll(/[\\*?[\]]/g, '\\$&')}*`,
    parse(key) {
      if (!key.startsWith(sessions)) return null;
      const [, tid, sid, tag] = NAME.exec(key.slice(sessions.length)) ?? [];
      if (tid === undefined || sid === undefined || tag === undefined) return null;
      return { tid, sid, tag };
    },
  };
}

/** Spreads sessions evenly: FNV-1a over the id. */
export function partitionOf(sid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < sid.length; index += 1) {
    hash = Math.imul(hash ^ sid.charCodeAt(index), 0x01000193);
  }
  // The low bits of FNV alone are poor.
  return ((hash >>> 16) ^ hash) & (PARTITIONS - 1);
}
