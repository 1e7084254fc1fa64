import { afterAll, beforeAll, inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createCodec } from '../../src/hub/postgres/codec.ts';
import { createNotifyHub } from '../../src/hub/postgres/hub.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { describeHub, ENTRY } from '../conformance/hub.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterAll(() => database?.drop());

describeHub(
  'NOTIFY',
  async () => {
    const deployment = newId();
    const nodes: Hub[] = [];
    return {
      async node() {
        const hub = createNotifyHub({
          url: database.url,
          deployment,
          codec: createCodec(
            createKeyRing('a secret of the tests that is long enough'),
            deployment,
          ),
          clock: systemClock,
          log: silentLog,
        });
        nodes.push(hub);
        hub.enter(ENTRY.generation);
        await until(() => hub.working());
        return hub;
      },
      async close() {
        for (const hub of nodes) await hub.close();
      },
    };
  },
  { acknowledgements: false },
);

async function until(met: () => boolean): Promise<void> {
  for (let look = 0; !met(); look += 1) {
    if (look === 1000) throw new Error('the hub does not work');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
