import type { Hub, HubEvent } from '../contract.ts';
import { Listeners } from '../listeners.ts';

/**
 * No hub: revocations and their acknowledgements go by heartbeats alone, events stay on the node where they happened. What
 * is left when there is nothing to send messages through, and the base line for measuring what a hub brings.
 */
export function createNoHub(): Hub {
  const listeners = new Listeners<HubEvent>();
  let closed = false;
  const silent = (): (() => void) => () => {};
  return {
    kind: 'none',
    enter() {},
    announce() {},
    acknowledge() {},
    publish(event) {
      listeners.tellSoon(event, () => !closed);
    },
    onAnnouncement: silent,
    onHead: silent,
    onAcknowledgement: silent,
    onEvent: listeners.add,
    working: () => false,
    acknowledging: () => false,
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}
