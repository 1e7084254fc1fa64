import type { Clock } from '../../clock.ts';
import { newId } from '../../id.ts';
import { type Log, silentLog } from '../../observe/log.ts';
import type { Entry, Head } from '../../revocation/types.ts';
import type { Acknowledgement, Hub, HubEvent } from '../contract.ts';
import { Listeners } from '../listeners.ts';
import type { HubCodec, HubMessage } from '../message.ts';
import { Arrival } from './arrival.ts';
import { askForRedis, foreignRedis } from './claim.ts';
import type { RedisLink } from './link.ts';
import { Subscriptions } from './subscriptions.ts';

/** Turns of about a second in which nothing arrived before that is said. */
const SAY_AFTER_TURNS = 5;

export interface RedisHubOptions {
  /** The hub takes its subscriber; closing the hub leaves the link open. */
  readonly link: RedisLink;
  /** Of the record. Keys and channels of the link hold it, and so does every MAC of `codec`. */
  readonly deploymentId: string;
  readonly codec: HubCodec;
  readonly clock: Clock;
  readonly log?: Log;
}

/**
 * Redis or Valkey as a hub, by PUBLISH and SUBSCRIBE on one connection: what is sent and what is heard take the very way
 * that the nonces prove. No verb throws or waits; what cannot be sent is dropped. It works only once this Redis has said
 * that it is this deployment's.
 */
export function createRedisHub(options: RedisHubOptions): Hub {
  const { link, deploymentId, codec, clock } = options;
  const log = options.log ?? silentLog;
  const self = newId();
  const channels = {
    events: `${link.prefix}events`,
    nonces: `${link.prefix}nonce:${self}`,
    log: (generation: string) => `${link.prefix}log:${generation}`,
  };
  const listeners = {
    entry: new Listeners<Entry>(),
    head: new Listeners<Head>(),
    acknowledgement: new Listeners<Acknowledgement>(),
    event: new Listeners<HubEvent>(),
  };
  let entered: string | null = null;
  let ours = false;
  let closed = false;

  const arrival = new Arrival({ clock, newNonce: newId, send: sendNonce, turn });
  const subscriptions = new Subscriptions({
    connection: link.subscriber(),
    heard: hear,
    lost: () => arrival.forget(),
    confirmed: () => arrival.ask(),
  });
  subscriptions.listenTo([channels.events, channels.nonces]);
  let saidForeign = false;
  let claiming = false;
  const stopClaiming = link.onConnected(() => {
    // Another server may be there now, or the same one without its keys.
    ours = false;
    void claim();
  });
  if (link.connected()) void claim();

  const working = (): boolean => !closed && ours && subscriptions.confirmed && arrival.proven();

  let silentTurns = 0;
  /** About once a second: mends what did not succeed, and says what lasts. */
  function turn(): void {
    if (!ours) void claim();
    subscriptions.mend();
    if (working()) {
      if (silentTurns >= SAY_AFTER_TURNS) {
        log.info({ hub: 'redis' }, 'messages through Redis arrive again');
      }
      silentTurns = 0;
    } else {
      silentTurns += 1;
      if (silentTurns === SAY_AFTER_TURNS) {
        log.warn(
          { hub: 'redis' },
          'messages through Redis do not arrive: revocations take up to two heartbeats',
        );
      }
    }
  }

  async function claim(): Promise<void> {
    if (claiming || closed) return;
    claiming = true;
    const answer = await askForRedis(link, deploymentId);
    claiming = false;
    ours = answer === 'ours';
    if (answer === 'foreign' && !saidForeign) {
      saidForeign = true;
      log.error({ hub: 'redis' }, foreignRedis(link));
    }
  }

  function sendNonce(nonce: string): void {
    send(channels.nonces, { kind: 'nonce', nonce });
  }

  /** @returns whether it was short enough to be sent. */
  function send(channel: string, message: HubMessage): boolean {
    const text = codec.seal(self, message);
    if (text === null) return false;
    if (ours || message.kind === 'nonce') {
      subscriptions.publish(channel, text, message.kind === 'event');
    }
    return true;
  }

  function hear(channel: string, text: string): void {
    if (closed) return;
    const opened = codec.open(text);
    if (opened === null) return;
    const { from, message } = opened;
    if (channel === channels.nonces) {
      if (from === self && message.kind === 'nonce') arrival.came(message.nonce);
    } else if (from === self || !ours) {
      // Events were told when they were published; the rest is never given back.
    } else if (channel === channels.events) {
      if (message.kind === 'event') listeners.event.tell(message.event);
    } else if (entered !== null && channel === channels.log(entered)) {
      hearOfLog(message, entered);
    }
  }

  /** LINEAGE: what is of another generation is not listened to, whatever channel it comes by. */
  function hearOfLog(message: HubMessage, generation: string): void {
    if (message.kind === 'entry' && message.entry.generation === generation) {
      listeners.entry.tell(message.entry);
    } else if (message.kind === 'head' && message.head.generation === generation) {
      listeners.head.tell(message.head);
    } else if (
      message.kind === 'acknowledgement' &&
      message.acknowledgement.generation === generation
    ) {
      listeners.acknowledgement.tell(message.acknowledgement);
    }
  }

  const waiting = new Map<string, Acknowledgement>();
  function sendAcknowledgements(): void {
    if (closed) return;
    for (const acknowledgement of waiting.values()) {
      send(channels.log(acknowledgement.generation), { kind: 'acknowledgement', acknowledgement });
    }
    waiting.clear();
  }

  return {
    kind: 'redis',
    enter(generation) {
      if (closed || generation === entered) return;
      entered = generation;
      arrival.forget();
      subscriptions.listenTo([channels.events, channels.nonces, channels.log(generation)]);
    },
    announce(entry) {
      if (closed) return;
      const channel = channels.log(entry.generation);
      if (send(channel, { kind: 'entry', entry })) return;
      const { generation, position } = entry;
      send(channel, { kind: 'head', head: { generation, position } });
    },
    acknowledge(acknowledgement) {
      if (closed) return;
      // Only the newest position matters: a burst of entries that arrives in one piece is acknowledged once.
      if (waiting.size === 0) queueMicrotask(sendAcknowledgements);
      const { memberId, generation, position } = acknowledgement;
      const key = `${memberId} ${generation}`;
      const before = waiting.get(key);
      if (before === undefined || before.position < position) waiting.set(key, acknowledgement);
    },
    publish(event) {
      if (closed) return;
      // Its own node hears it whatever becomes of Redis.
      listeners.event.tellSoon(event, () => !closed);
      send(channels.events, { kind: 'event', event });
    },
    onAnnouncement: listeners.entry.add,
    onHead: listeners.head.add,
    onAcknowledgement: listeners.acknowledgement.add,
    onEvent: listeners.event.add,
    working,
    acknowledging: working,
    close() {
      if (closed) return Promise.resolve();
      closed = true;
      stopClaiming();
      arrival.close();
      return subscriptions.close();
    },
  };
}
