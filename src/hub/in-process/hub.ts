import type { Entry } from '../../revocation/types.ts';
import type { Acknowledgement, Hub, HubEvent } from '../contract.ts';
import { Listeners } from '../listeners.ts';

/** What the nodes of one process share. */
export interface InProcessHub {
  /** A hub for one more node of this process. */
  connect(): Hub;
}

interface Node {
  readonly announcement: Listeners<Entry>;
  readonly acknowledgement: Listeners<Acknowledgement>;
  readonly event: Listeners<HubEvent>;
}

/**
 * The hub of the embedded shape: the nodes of one process tell each other directly. Listeners run in a microtask of their
 * own, as with a hub on the network: never within the sender's synchronous block, and whatever one throws reaches nobody.
 * It always works, so that a lone node needs no heartbeat beyond the regular ones.
 */
export function createInProcessHub(): InProcessHub {
  const nodes = new Set<Node>();

  function deliver<Message>(
    kind: (node: Node) => Listeners<Message>,
    message: Message,
    except: Node | null,
  ): void {
    for (const node of nodes) {
      if (node !== except) kind(node).tellSoon(message, () => nodes.has(node));
    }
  }

  return {
    connect(): Hub {
      const own: Node = {
        announcement: new Listeners(),
        acknowledgement: new Listeners(),
        event: new Listeners(),
      };
      nodes.add(own);
      const open = () => nodes.has(own);
      return {
        kind: 'in-process',
        // Listeners judge the generation of an entry themselves; one process has no traffic to save.
        enter() {},
        announce(entry) {
          if (open()) deliver((node) => node.announcement, entry, own);
        },
        acknowledge(acknowledgement) {
          if (open()) deliver((node) => node.acknowledgement, acknowledgement, own);
        },
        publish(event) {
          if (open()) deliver((node) => node.event, event, null);
        },
        onAnnouncement: own.announcement.add,
        // Every entry is handed over itself.
        onHead: () => () => {},
        onAcknowledgement: own.acknowledgement.add,
        onEvent: own.event.add,
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
