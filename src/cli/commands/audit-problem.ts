import type { Problem } from '../../audit/verify.ts';

/** A finding as `--json` has it. */
export function shownProblem({ kind, tid, seq, id, detail }: Problem) {
  return { kind, tenant_id: tid, sequence: seq, id, detail };
}

export function nameOf(tid: string, slug: string | null): string {
  return tid === '' ? '(operators)' : (slug ?? tid);
}

export function lineOf({ kind, tid, seq, id, detail }: Problem, slug: string | null): string {
  return `${kind}: tenant ${nameOf(tid, slug)}, number ${seq ?? '-'}, row ${id ?? '-'}: ${detail}`;
}
