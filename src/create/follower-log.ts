import type { Clock } from '../clock.ts';
import { inSnakeCase } from '../observe/field-names.ts';
import type { Log } from '../observe/log.ts';
import type { FollowerEvent } from '../revocation/events.ts';
import { createOutageLog } from './outage-log.ts';

/** What of the protocol an operator wants to read: rare things as they are, everyday ones at `debug`. */
export function createFollowerLog(log: Log, clock: Clock): (event: FollowerEvent) => void {
  const outage = createOutageLog(log, clock);
  return (event) => {
    // Both come four times a second; heartbeats are for metrics to count.
    if (event.kind === 'failed') outage.failed(event.what, event.error);
    else if (event.kind === 'heartbeat') outage.succeeded();
    else logRare(log, event);
  };
}

function logRare(
  log: Log,
  event: Exclude<FollowerEvent, { readonly kind: 'failed' | 'heartbeat' }>,
): void {
  switch (event.kind) {
    case 'entries_lost':
      log.error(
        { generation: event.generation, entries: event.entries.length },
        'the record has lost revocations; this node answers nobody until it has handed them in',
      );
      return;
    case 'entries_handed_in':
      log.error(
        inSnakeCase(event),
        'lost revocations are in the record again; look at each (audit: revocation_handed_in): passwords, roles, status and sessions that were written beside them are lost, and logins since may have been ended',
      );
      return;
    case 'view_differed':
    case 'unknown_scope':
      log.error(inSnakeCase(event), 'the view of this node was wrong');
      return;
    case 'removed':
    case 'member_removed':
    case 'wall_time_step':
      log.warn(inSnakeCase(event), `protocol: ${event.kind}`);
      return;
    case 'joined':
    case 'left':
    case 'generation_begun':
    case 'generation_entered':
      log.info(inSnakeCase(event), `protocol: ${event.kind}`);
      return;
    case 'applied':
    case 'gap':
    case 'connections_killed':
    case 'barrier':
      log.debug(inSnakeCase(event), `protocol: ${event.kind}`);
  }
}
