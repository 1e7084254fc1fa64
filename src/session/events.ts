import type { Hub, HubEvent } from '../hub/contract.ts';

/** Hands a tenant's events to those who listen to that tenant, and to nobody else. */
export interface EventFanOut {
  subscribe(tid: string, listener: (event: HubEvent) => void): () => void;
  close(): void;
}

/**
 * One listener at the hub for all subscribers of this node.
 *
 * @example const stop = createEventFanOut(hub, onError).subscribe(tid, (event) => stream.write(event))
 */
export function createEventFanOut(hub: Hub, onError: (error: unknown) => void): EventFanOut {
  const listeners = new Map<string, Set<(event: HubEvent) => void>>();
  const stop = hub.onEvent((event) => {
    for (const listener of listeners.get(event.tid) ?? []) {
      // One subscriber's failure is no other's.
      try {
        listener(event);
      } catch (error) {
        onError(error);
      }
    }
  });

  return {
    subscribe(tid, listener) {
      const ours = listeners.get(tid) ?? new Set();
      // A function of its own, so that the same listener subscribed twice is two subscriptions.
      const one = (event: HubEvent): void => listener(event);
      ours.add(one);
      listeners.set(tid, ours);
      return () => {
        ours.delete(one);
        if (ours.size === 0 && listeners.get(tid) === ours) listeners.delete(tid);
      };
    },
    close() {
      stop();
      listeners.clear();
    },
  };
}
