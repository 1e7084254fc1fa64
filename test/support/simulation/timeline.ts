/** Whose a task is: one that belongs to a stopped process waits, one of a process that was killed never runs. */
export interface Process {
  readonly stopped: boolean;
  readonly killed: boolean;
}

/** `timer`: the process set it itself. `message`: something arrived. Which goes first after a stop is anybody's guess. */
export type TaskKind = 'timer' | 'message';

/** What a process finds first when it goes on: all by the time it was due, or its timers, or what had arrived. */
export type ResumeOrder = 'due' | 'timers' | 'messages';

export interface Task {
  atMs: number;
  order: number;
  readonly run: () => void;
  readonly owner: Process | null;
  readonly kind: TaskKind;
  live: boolean;
}

/**
 * The world's own time and what happens in it, in one thread. Tasks run by time, those of one moment in the order in which
 * they were made; between two of them everything that is ready settles.
 */
export class Timeline {
  #nowMs: number;
  #order = 0;
  /** A binary heap, the next task first. */
  readonly #heap: Task[] = [];
  readonly #held = new Map<Process, Task[]>();
  /** Tasks that were run, and how many may be: a world that does not come to rest is a defect. */
  ran = 0;
  mostTasks = Number.POSITIVE_INFINITY;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  at(
    atMs: number,
    run: () => void,
    owner: Process | null = null,
    kind: TaskKind = 'message',
  ): Task {
    this.#order += 1;
    const task: Task = { atMs, order: this.#order, run, owner, kind, live: true };
    this.#push(task);
    return task;
  }

  /** A process goes on: what waited for it is due now. */
  resume(owner: Process, order: ResumeOrder): void {
    const held = this.#held.get(owner) ?? [];
    this.#held.delete(owner);
    if (order !== 'due') {
      const first = order === 'timers' ? 'timer' : 'message';
      held.sort((a, b) => Number(b.kind === first) - Number(a.kind === first) || before(a, b));
      for (const task of held) {
        this.#order += 1;
        task.order = this.#order;
        task.atMs = this.#nowMs;
      }
    }
    for (const task of held) this.#push(task);
  }

  /** Lets the world go on for `ms`. */
  async run(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let task = this.#next(untilMs); task !== null; task = this.#next(untilMs)) {
      if (task.atMs > this.#nowMs) this.#nowMs = task.atMs;
      this.ran += 1;
      if (this.ran > this.mostTasks) throw new Error(`no end after ${this.mostTasks} tasks`);
      task.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Task | null {
    for (;;) {
      const task = this.#heap[0];
      if (task === undefined || task.atMs > untilMs) return null;
      this.#pop();
      if (!task.live || task.owner?.killed === true) continue;
      if (task.owner?.stopped !== true) return task;
      const held = this.#held.get(task.owner);
      if (held === undefined) this.#held.set(task.owner, [task]);
      else held.push(task);
    }
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Task;
      if (before(parent, task) < 0) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Task) < 0) child += 1;
      const smaller = heap[child] as Task;
      if (before(last, smaller) < 0) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Task, b: Task): number {
  return a.atMs - b.atMs || a.order - b.order;
}

/** Lets everything that is ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
