import type { EventType } from '../hub/contract.ts';
import { newId } from '../id.ts';
import type { Services } from './services.ts';

/** Tells the event streams of tenant `tid` what happened. May be lost; never waits, never throws. */
export function publish(
  services: Pick<Services, 'hub' | 'follower'>,
  type: EventType,
  tid: string | null,
  subject: Readonly<Record<string, string | null>>,
  detail: Readonly<Record<string, unknown>> = {},
): void {
  if (tid === null) return;
  const at = new Date(services.follower.wallNowMs()).toISOString();
  services.hub.publish({ id: newId(), tid, type, at, subject, detail });
}
