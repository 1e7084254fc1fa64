import type { Entry } from '../../revocation/types.ts';
import type { Acknowledgement, Hub, HubEvent } from '../contract.ts';

/** What the nodes of one process share. */
export interface InProcessHub {
  /** A hub for one more node of this process. */
  connect(): Hub;
}

interface Listeners {
  readonly announcement: Set<(entry: Entry) => void>;
  readonly acknowledgement: Set<(acknowledgement: Acknowledgement) => void>;
  readonly event: Set<(event: HubEvent) => void>;
}

/**
 * The hub of the embedded shape: the nodes of one process tell each other directly. Listeners run in a microtask of their
 * own, as with a hub on the network: never within the sender's synchronous block, and whatever one throws reaches nobody.
 * It always works, so that a lone node needs no heartbeat beyond the regular ones.
 */
export function createInProcessHub(): InProcessHub {
  const nodes = new Set<Listeners>();

  function deliver<Message>(
    kind: (listeners: Listeners) => Set<(message: Message) => void>,
    message: Message,
    except: Listeners | null,
  ): void {
    for (const listeners of nodes) {
      if (listeners === except) continue;
      for (const listener of kind(listeners)) {
        queueMicrotask(() => {
          // It may have been removed since.
          if (nodes.has(listeners) && kind(listeners).has(listener)) callSafely(listener, message);
        });
      }
    }
  }

  return {
    connect(): Hub {
      const own: Listeners = {
        announcement: new Set(),
        acknowledgement: new Set(),
        event: new Set(),
      };
      nodes.add(own);
      const open = () => nodes.has(own);
      return {
        kind: 'in-process',
        // Listeners judge the generation of an entry themselves; one process has no traffic to save.
        enter() {},
        announce(entry) {
          if (open()) deliver((listeners) => listeners.announcement, entry, own);
        },
        acknowledge(acknowledgement) {
          if (open()) deliver((listeners) => listeners.acknowledgement, acknowledgement, own);
        },
        publish(event) {
          if (open()) deliver((listeners) => listeners.event, event, null);
        },
        onAnnouncement: (listener) => subscribe(own.announcement, listener),
        // Every entry is handed over itself.
        onHead: () => () => {},
        onAcknowledgement: (listener) => subscribe(own.acknowledgement, listener),
        onEvent: (listener) => subscribe(own.event, listener),
        working: open,
        acknowledging: open,
        close() {
          nodes.delete(own);
          return Promise.resolve();
        },
      };
    },
  };
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

function callSafely<Message>(listener: (message: Message) => void, message: Message): void {
  try {
    listener(message);
  } catch {
    // A listener's failure is its own: no message of a hub is ever relied on.
  }
}
