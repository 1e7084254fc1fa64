import type { Clock, Timer } from '../../clock.ts';
import { newId } from '../../id.ts';
import type { Log } from '../../observe/log.ts';
import type { Entry, Head } from '../../revocation/types.ts';
import type { Hub, HubEvent } from '../contract.ts';
import { Listeners } from '../listeners.ts';
import type { HubCodec, HubMessage } from '../message.ts';
import { eventsChannel, generationChannel, nonceChannel } from './channels.ts';
import { LastingClient } from './lasting-client.ts';
import { Outbox } from './outbox.ts';
import { Probe } from './probe.ts';

/** Connections are made anew within less; what lasts longer is said. */
const SAY_AFTER_MS = 5_000;

export interface NotifyHubOptions {
  /** `postgres://…` of the record's primary. The hub has two connections of its own. */
  readonly url: string;
  /** Of the record: names the channels, so that deployments on one database server do not hear each other. */
  readonly deploymentId: string;
  readonly codec: HubCodec;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * PostgreSQL's LISTEN/NOTIFY as a hub: nothing else to install. It carries announcements and events; acknowledgements go by
 * an immediate heartbeat (`acknowledging()` is false), which the record needs anyway. Connections are made again for ever;
 * no verb throws or waits. Behind a pooler that has no sessions nothing arrives: that is said once, and tried again slowly.
 */
export function createNotifyHub(options: NotifyHubOptions): Hub {
  const { deploymentId, codec, clock, log } = options;
  const self = newId();
  const events = eventsChannel(deploymentId);
  const nonces = nonceChannel(deploymentId, self);
  const listeners = {
    entry: new Listeners<Entry>(),
    head: new Listeners<Head>(),
    event: new Listeners<HubEvent>(),
  };
  /** Channel of the generation that was entered, and its name. */
  let entered: string | null = null;
  let current = '';
  let closed = false;
  const isOpen = (): boolean => !closed;

  const sender = new LastingClient({ ...options, opened: begin, lost: () => probe.stop() });
  const receiver = new LastingClient({
    ...options,
    prepare: (client) => client.query(listen([events, nonces, ...(entered ? [entered] : [])])),
    opened: begin,
    lost: () => probe.stop(),
    notified: hear,
  });
  const outbox = new Outbox(sender);
  const probe = new Probe({
    clock,
    newNonce: newId,
    send: (nonce) => send(nonces, { kind: 'nonce', nonce }),
    changed,
    renew: () => receiver.renew(),
  });
  let said = false;
  let saying: Timer = clock.after(SAY_AFTER_MS, say);

  /** Nonces go out by one connection and come back by the other: a pooler may lend one and the same to whoever sends. */
  function begin(): void {
    if (sender.open && receiver.open) probe.start();
  }

  function changed(working: boolean): void {
    saying.cancel();
    if (!working) saying = clock.after(SAY_AFTER_MS, say);
    else if (said) log.info({ hub: 'postgres' }, 'notifications of PostgreSQL arrive again');
    said &&= !working;
  }

  function say(): void {
    if (said || closed || probe.working) return;
    said = true;
    const why = receiver.open
      ? 'DATABASE_URL leads through a pooler without sessions, or the server does not deliver'
      : 'no connection can be had for them';
    log.warn(
      { hub: 'postgres' },
      `notifications of PostgreSQL do not arrive (${why}): revocations take up to two heartbeats`,
    );
  }

  function hear(channel: string, payload: string): void {
    if (closed) return;
    const opened = codec.open(payload);
    if (opened === null) return;
    const { from, message } = opened;
    if (channel === nonces) {
      if (from === self && message.kind === 'nonce') probe.came(message.nonce);
    } else if (from === self) {
      // Events were told when they were published; the rest is never given back.
    } else if (channel === events) {
      if (message.kind === 'event') listeners.event.tellSoon(message.event, isOpen);
    } else if (channel === entered) {
      hearOfLog(message);
    }
  }

  /** LINEAGE: what is of another generation is not listened to, whatever channel it comes by. */
  function hearOfLog(message: HubMessage): void {
    if (message.kind === 'entry' && message.entry.generation === current) {
      listeners.entry.tellSoon(message.entry, isOpen);
    } else if (message.kind === 'head' && message.head.generation === current) {
      listeners.head.tellSoon(message.head, isOpen);
    }
  }

  /** @returns whether the message is short enough and on its way. */
  function send(channel: string, message: HubMessage): boolean {
    const payload = codec.seal(self, message);
    return payload !== null && outbox.send(channel, payload, message.kind === 'event');
  }

  return {
    kind: 'postgres',
    enter(generation) {
      const channel = generationChannel(deploymentId, generation);
      if (closed || channel === entered) return;
      const left = entered;
      entered = channel;
      current = generation;
      // While there is no connection, the next one listens to it from its start.
      receiver.query(listen([channel]) + (left ? `; unlisten ${left}` : '')).catch(() => {});
    },
    announce(entry) {
      if (closed) return;
      const channel = generationChannel(deploymentId, entry.generation);
      if (send(channel, { kind: 'entry', entry })) return;
      const { generation, position } = entry;
      send(channel, { kind: 'head', head: { generation, position } });
    },
    // The immediate heartbeat says it.
    acknowledge() {},
    publish(event) {
      if (closed) return;
      // Its own node hears it whatever becomes of the connection.
      listeners.event.tellSoon(event, isOpen);
      send(events, { kind: 'event', event });
    },
    onAnnouncement: listeners.entry.add,
    onHead: listeners.head.add,
    onAcknowledgement: () => () => {},
    onEvent: listeners.event.add,
    working: () => probe.working,
    acknowledging: () => false,
    close() {
      closed = true;
      saying.cancel();
      probe.close();
      sender.close();
      receiver.close();
      return Promise.resolve();
    },
  };
}

function listen(channels: readonly string[]): string {
  return channels.map((channel) => `listen ${channel}`).join('; ');
}
