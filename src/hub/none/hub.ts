import type { Hub, HubEvent } from '../contract.ts';

/**
 * No hub: revocations and their acknowledgements go by heartbeats alone, events stay on the node where they happened. What
 * is left when there is nothing to send messages through, and the base line for measuring what a hub brings.
 */
export function createNoHub(): Hub {
  const listeners = new Set<(event: HubEvent) => void>();
  const silent = (): (() => void) => () => {};
  return {
    kind: 'none',
    enter() {},
    announce() {},
    acknowledge() {},
    publish(event) {
      for (const listener of listeners) {
        queueMicrotask(() => {
          if (!listeners.has(listener)) return;
          try {
            listener(event);
          } catch {
            // A listener's failure is its own.
          }
        });
      }
    },
    onAnnouncement: silent,
    onHead: silent,
    onAcknowledgement: silent,
    onEvent(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    working: () => false,
    acknowledging: () => false,
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
