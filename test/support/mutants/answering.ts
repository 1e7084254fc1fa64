import type { Mutant } from '../mutant.ts';
import { ANYTHING } from './promises.ts';

/** Rules of knowing, answering and waiting: FOLLOW, PROOF, ANSWER, BARRIER, MEMBERS. */
export const ANSWERING: readonly Mutant[] = [
  {
    name: 'members-before-commit',
    rule: 'BARRIER',
    instead: 'the members were read before the commit',
    themes: ['slow lists', 'joining'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/barriers.ts',
        find: 'for (const { waiting, barrier } of asking) {',
        replace:
          'for (const { waiting, barrier } of [...this.#waiting].map((waiting) => ({ waiting, barrier: waiting.barrier }))) {',
      },
      {
        file: 'revocation/barriers.ts',
        find: 'barrier.list(answer.members, sentMs, this.#firstTermEndsMs());',
        replace:
          'barrier.list(answer.members, this.#node.clock.monotonicMs(), this.#firstTermEndsMs());',
      },
    ],
  },
  {
    name: 'snapshot-in-place',
    rule: 'FOLLOW',
    instead: 'what is missing is fetched as a snapshot, which is put in place of the view',
    themes: ['network'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/following.ts',
        find: 'if (applied < page.horizon || (first !== undefined && first.position !== applied + 1)) {',
        replace: 'if (first !== undefined || applied < page.horizon) {',
      },
      {
        file: 'revocation/following.ts',
        find: '    let applied = 0;\n    let killed = 0;\n',
        replace:
          '    const before = node.view.applied;\n    if (draft.header.head.generation === node.view.generation) node.view.replace(draft);\n    let applied = Math.max(0, node.view.applied - before);\n    let killed = 0;\n',
      },
    ],
  },
  {
    name: 'proof-at-receipt',
    rule: 'PROOF',
    instead: 'a proof is stamped when it arrives',
    themes: ['outage', 'stopped'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/heartbeat.ts',
        find: 'node.lease.prove({ atMs: sentMs, head: answer.head }',
        replace: 'node.lease.prove({ atMs: receivedMs, head: answer.head }',
      },
    ],
  },
  {
    name: 'proof-by-foreign-clock',
    rule: 'PROOF',
    instead: "a proof is stamped with the record's clock",
    themes: ['outage', 'network'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/heartbeat.ts',
        find: 'node.lease.prove({ atMs: sentMs, head: answer.head }',
        replace:
          'node.lease.prove({ atMs: answer.recordTimeMs - node.clock.wallMs() + receivedMs, head: answer.head }',
      },
    ],
  },
  {
    name: 'proof-uncovered',
    rule: 'PROOF',
    instead: 'a proof counts before its entries were applied',
    themes: ['network', 'outage'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/lease.ts',
        find: 'proof.head.position <= applied.position',
        replace: 'proof.head.position >= 0',
      },
    ],
  },
  {
    name: 'proof-before-row',
    rule: 'MEMBERS',
    instead: 'a node that joins proves by what it read before its row was there',
    themes: ['joining'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/joining.ts',
        find: '    await this.#insertRow();\n    this.#refuseIfLeft();\n    if (exclusive)',
        replace:
          '    const readMs = node.clock.monotonicMs();\n    await this.#generations.enter();\n    node.lease.prove({ atMs: readMs, head: node.view.end }, node.view.end);\n    await this.#insertRow();\n    this.#refuseIfLeft();\n    if (exclusive)',
      },
      {
        file: 'revocation/joining.ts',
        find: '    this.#heartbeat.startLater();\n    await this.#generations.enter();\n',
        replace: '    this.#heartbeat.startLater();\n',
      },
      {
        file: 'revocation/joining.ts',
        find: '    await proof;\n',
        replace: '    proof.catch(() => {});\n',
      },
    ],
  },
  {
    name: 'coarse-clock',
    rule: 'ANSWER',
    instead: 'the time is one that a timer has noted',
    themes: ['stopped'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/node.ts',
        find: 'return this.lease.freshness(this.clock.monotonicMs(), this.view.hasGap);',
        replace: 'return this.lease.freshness(this.#coarseMs(), this.view.hasGap);',
      },
      {
        file: 'revocation/node.ts',
        find: "  freshnessNow(): Freshness | 'unavailable' {\n",
        replace: `  #notedMs: number | null = null;
  #coarseMs(): number {
    if (this.#notedMs === null) this.#note();
    return this.#notedMs ?? 0;
  }
  #note(): void {
    this.#notedMs = this.clock.monotonicMs();
    this.clock.after(20, () => this.#note());
  }

  freshnessNow(): Freshness | 'unavailable' {
`,
      },
    ],
  },
  {
    name: 'tolerance-ignored',
    rule: 'BARRIER',
    instead: 'a barrier waits for the lease of a member that is silent, and not for its tolerance',
    themes: ['outage', 'network', 'silent members'],
    breaks: ['Early return'],
    edits: [
      {
        file: 'revocation/barrier.ts',
        find: 'const termMs = member.leaseMs + member.toleranceMs;',
        replace: 'const termMs = member.leaseMs;',
      },
    ],
  },
  {
    name: 'removal-by-timestamps',
    rule: 'MEMBERS',
    instead: "a member is removed when the record's note of its last beat looks old",
    themes: ['silent members'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/housekeeping.ts',
        find: 'for (const { id, beat } of this.#membership.silent(clock.monotonicMs())) {',
        replace:
          'for (const { id, beat } of members.filter((member) => member.id !== node.memberId && node.wallNowMs() - (member.beatAtMs ?? member.joinedAtMs) > member.leaseMs * 2 + member.toleranceMs)) {',
      },
    ],
  },
  {
    name: 'removed-before-its-term',
    rule: 'MEMBERS',
    instead:
      'a member is removed when it has been silent for an interval, and not for its own term',
    themes: ['silent members'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/membership.ts',
        find: 'silentMs: termMs + member.leaseMs / HEARTBEATS_PER_LEASE + driftMarginMs(termMs),',
        replace: 'silentMs: member.leaseMs / HEARTBEATS_PER_LEASE,',
      },
    ],
  },
  {
    name: 'gap-ignored',
    rule: 'FOLLOW',
    instead: 'a later entry is applied although one before it is missing',
    themes: ['network'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/view.ts',
        find: "if (entry.position > this.applied + 1) return 'gap';",
        replace:
          'while (entry.position > this.applied + 1) this.#held.append({ ...entry, position: this.applied + 1 }, nowMs);',
      },
    ],
  },
  {
    name: 'tolerance-over-a-gap',
    rule: 'ANSWER',
    instead: 'a node answers within its tolerance although it knows that entries are missing',
    themes: ['outage', 'network'],
    breaks: ['ANSWER'],
    edits: [
      {
        file: 'revocation/lease.ts',
        find: "return !hasGap && ageMs < this.#termMs ? 'stale' : 'unavailable';",
        replace: "return ageMs < this.#termMs ? 'stale' : 'unavailable';",
      },
    ],
  },
  {
    name: 'shortcut-kept',
    rule: 'ANSWER',
    instead: 'the shortcut past the view is kept over its versions',
    themes: ['sessions', 'sessions in trouble'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'session/authenticate.ts',
        find: 'one.passedVersion !== follower.version',
        replace: 'one.passedVersion < 0',
      },
    ],
  },
];
