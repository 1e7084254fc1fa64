/**
 * A database put back to an earlier state while its server runs on: the same postmaster, the same
 * timeline, an older content. Nothing about the server tells that it happened.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { postgresBinaries } from './postgres-binaries.mjs';
import { loginOf, withClient } from './postgres-clients.mjs';
import { runProgram } from './postgres-server.mjs';

/**
 * @param {import('./postgres.mjs').Postgres} postgres
 * @param {string} databaseUrl of one database of it
 * @returns {Promise<{ restore: () => Promise<void>, remove: () => void }>} `restore` ends the
 *   connections to the database and puts it back; may be done again
 */
export async function dumpDatabase(postgres, databaseUrl) {
  const { bin } = postgresBinaries();
  const { role, password } = loginOf(postgres.superuserUrl);
  const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  const cwd = join(postgres.dataDirectory, '..');
  dumps += 1;
  const file = join(cwd, `dump-${dumps}`);
  const server = [
    ...['--host', '127.0.0.1', '--port', String(postgres.port)],
    ...['--username', role, '--no-password'],
  ];
  await runProgram(
    join(bin, 'pg_dump'),
    [...server, '--format', 'custom', '--file', file, '--dbname', name],
    { cwd, password },
  );
  return {
    async restore() {
      await withClient(postgres.superuserUrl, async (client) => {
        await client.query(`drop database ${name} with (force)`);
        await client.query(`create database ${name} owner ${loginOf(databaseUrl).role}`);
      });
      await runProgram(
        join(bin, 'pg_restore'),
        [...server, '--exit-on-error', '--dbname', name, file],
        { cwd, password },
      );
    },
    remove: () => rmSync(file, { force: true }),
  };
}

let dumps = 0;
