/** How far long work has come, in whatever it counts; `total` is null where nobody knows. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
}

/** Hears now and then how far a verb has come. */
export type OnProgress = (progress: Progress) => void;
