import { afterAll, beforeAll, expect, inject } from 'vitest';
import type { Hub } from '../../src/hub/contract.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { describeHub, ENTRY } from '../conformance/hub.ts';
import { notifyHubs } from '../support/notify-hub.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterAll(() => database?.drop());

describeHub(
  'NOTIFY',
  async () => {
    const hubs = notifyHubs(database.url);
    const nodes: Hub[] = [];
    return {
      async node() {
        const hub = hubs.connect();
        nodes.push(hub);
        hub.enter(ENTRY.generation);
        await expect.poll(() => hub.working(), { timeout: 60_000 }).toBe(true);
        return hub;
      },
      async close() {
        for (const hub of nodes) await hub.close();
      },
    };
  },
  { acknowledgements: false },
);
