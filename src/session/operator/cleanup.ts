import { perform } from '../revoke.ts';
import { nowMs, type Services } from '../services.ts';
import { ACTOR } from './actor.ts';
import type { CleanupStatus, OperatorOperations, Told } from './operations-contract.ts';
import { decisionRow, nameOf, tellNodes } from './told.ts';

/** Pausing clean-up, sweeping and retention, and how they stand. */
export function createOperatorCleanup(
  services: Services,
): Pick<OperatorOperations, 'pauseCleanup' | 'resumeCleanup' | 'cleanupStatus'> {
  const { maintenance } = services;

  async function pause(by: string, paused: boolean): Promise<Told> {
    const action = paused ? 'ops_cleanup_paused' : 'ops_cleanup_resumed';
    await perform(services, {
      ...{ actor: ACTOR, revoke: [], reason: null },
      change: { kind: 'cleanup_pause', tid: null, by, paused },
      audit: [decisionRow(services, action, by)],
    });
    // Here at once; the others hear of it.
    await (paused ? maintenance.pause() : maintenance.resume());
    return tellNodes(services);
  }

  return {
    pauseCleanup: ({ by }) => pause(nameOf(by), true),
    resumeCleanup: ({ by }) => pause(nameOf(by), false),
    cleanupStatus: () => cleanupStatus(services),
  };
}

/** What the record knows of clean-up, whichever node is at it. */
export async function cleanupStatus(services: Services): Promise<CleanupStatus> {
  const { record } = services;
  const [cleanup, { pause: paused }, sweep] = await Promise.all([
    record.cleanup.state(),
    record.operations.state(nowMs(services)),
    record.sweep.state(),
  ]);
  const state = paused !== null ? 'paused' : cleanup.holder !== null ? 'running' : 'idle';
  return { state, paused, ...cleanup, sweep };
}
