import { chownSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgres } from '../../src/record/postgres/open.ts';
import { sharedCertificate } from '../../tools/services/certificate.mjs';
import { type Postgres, startPostgres } from '../../tools/services/postgres.mjs';
import { serverUser, withClient } from '../../tools/services/postgres-clients.mjs';
import { startClusterNode } from '../support/cluster-node.ts';

const certificate = sharedCertificate();
const foreign = sharedCertificate();
let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres();
  const { uid, gid } = serverUser();
  for (const [from, name] of [
    [certificate.certificateFile, 'server.crt'],
    [certificate.keyFile, 'server.key'],
  ] as const) {
    const path = join(postgres.dataDirectory, name);
    copyFileSync(from, path);
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
  }
  await withClient(postgres.superuserUrl, async (client) => {
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
  });
});

afterAll(async () => {
  await postgres?.stop();
  certificate.remove();
  foreign.remove();
});

function verified(caFile: string): string {
  return `${postgres.url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(caFile)}`;
}

test('a node speaks TLS to PostgreSQL by every connection, NOTIFY included', async () => {
  const node = await startClusterNode({ databaseUrl: verified(certificate.caFile) });
  try {
    await expect
      .poll(() => node.engine.status().hub, { timeout: 60_000 })
      .toEqual({ kind: 'postgres', working: true });
    await withClient(postgres.superuserUrl, async (client) => {
      const { rows } = await client.query(
        `select a.application_name as name, bool_and(s.ssl) as ssl
           from pg_stat_activity a join pg_stat_ssl s using (pid)
          where a.application_name like 'sekisho%' group by 1 order by 1`,
      );
      expect(rows).toEqual([
        { name: 'sekisho', ssl: true },
        { name: 'sekisho hub', ssl: true },
      ]);
    });
  } finally {
    await node.close();
  }
});

test('a server that another authority vouches for is not spoken to', async () => {
  await expect(openPostgres({ url: verified(foreign.caFile) })).rejects.toMatchObject({
    code: 'store_unavailable',
    cause: { message: expect.stringMatching(/certificate|signature/) },
  });
});
