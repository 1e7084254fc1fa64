import type { Settings } from './options.ts';

/** What tabs tell each other. No token is among it. */
export interface News {
  readonly type: 'login' | 'logout' | 'refresh';
  readonly session: string | undefined;
  readonly until?: number | undefined;
  readonly code?: string;
}

/** Of the browser's APIs what is used here; either may be missing. */
interface Page {
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}
interface Locks {
  request<Result>(
    name: string,
    options: { readonly ifAvailable?: boolean },
    work: (lock: unknown) => Promise<Result>,
  ): Promise<Result>;
}
interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
  unref?(): void;
}

/** How long news of a tab that has just let go of the lock may take, milliseconds. */
const NEWS_MS = 50;

/** The other tabs of this origin. Without the APIs for it there are none. */
export interface Tabs {
  tell(news: News): void;
  /** Runs `work` in no other tab at the same time. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>;
  close(): void;
}

export function createTabs({ key }: Settings, hear: (news: News) => void): Tabs {
  const page = globalThis as unknown as Page;
  const channel = page.BroadcastChannel === undefined ? null : new page.BroadcastChannel(key);
  // Node's would keep the process alive.
  channel?.unref?.();
  if (channel !== null) channel.onmessage = ({ data }) => hear(data as News);

  return {
    tell: (news) => channel?.postMessage(news),
    async exclusively(work) {
      const locks = page.navigator?.locks;
      if (locks === undefined) return work();
      const nobody = Symbol('nobody');
      const first = await locks.request(key, { ifAvailable: true }, async (lock) =>
        lock === null ? nobody : await work(),
      );
      if (first !== nobody) return first as Awaited<ReturnType<typeof work>>;
      return await locks.request(key, {}, async () => {
        await new Promise((resolve) => setTimeout(resolve, NEWS_MS));
        return await work();
      });
    },
    close: () => channel?.close(),
  };
}
