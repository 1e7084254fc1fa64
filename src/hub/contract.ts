import type { Entry, Head } from '../revocation/types.ts';

/**
 * Fast fan-out between nodes. A hub is a hint that makes things faster, never a point of trust: whatever it loses, doubles
 * or delays is mended from the record, so none of its verbs throws and none is awaited on the way to an answer.
 */
export interface Hub {
  readonly kind: 'in-process' | 'postgres' | 'redis' | 'none';

  /** LINEAGE: this node's view is of `generation` now; announcements of another one are no longer listened to. */
  enter(generation: string): void;
  /** ANNOUNCE: tells the other nodes of a committed entry. */
  announce(entry: Entry): void;
  /** Tells the other nodes that `memberId` has applied everything up to `position` of `generation`. */
  acknowledge(acknowledgement: Acknowledgement): void;
  /** Tells every node, this one included, something that its event streams may show. May be lost. */
  publish(event: HubEvent): void;

  /** Registers a listener; returns what removes it. A listener never receives its own node's announcements. */
  onAnnouncement(listener: (entry: Entry) => void): () => void;
  /**
   * FOLLOW: where an entry could not be sent itself (too long for the channel), its name is, and whoever hears it fetches
   * from the record. A hub that can send every entry never calls it.
   */
  onHead(listener: (head: Head) => void): () => void;
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): () => void;
  onEvent(listener: (event: HubEvent) => void): () => void;

  /** Whether messages demonstrably arrive at present (a nonce of this node came back). */
  working(): boolean;
  /**
   * Whether acknowledgements demonstrably arrive. While they do not, a node acknowledges by an immediate heartbeat and a
   * revoking call reads the rows again within milliseconds. False for a hub that carries none (NOTIFY).
   */
  acknowledging(): boolean;
  close(): Promise<void>;
}

export interface Acknowledgement {
  readonly memberId: string;
  readonly generation: string;
  readonly position: number;
}

/** Something that happened in a tenant, for administrators' event streams. Carries no secret. */
export interface HubEvent {
  readonly id: string;
  readonly tid: string;
  readonly type: EventType;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly subject: Readonly<Record<string, string | null>>;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type EventType =
  | 'session.created'
  | 'session.refreshed'
  | 'session.revoked'
  | 'session.expired'
  | 'login.failed'
  | 'login.limited'
  | 'token.reused'
  | 'policy.changed'
  | 'user.created'
  | 'user.changed'
  | 'user.deleted'
  | 'client.created'
  | 'client.changed'
  | 'client.deleted'
  /** Operators have decided something for all nodes; of no tenant. */
  | 'operations.changed'
  | 'revocation.committed'
  | 'revocation.everywhere';
