import { defineConfig } from 'vitest/config';
import { mutantPlugin } from './test/support/mutant-plugin.ts';

/** What every project shares: two worker processes at most, since CI has two cores. */
const shared = {
  pool: 'forks',
  maxWorkers: 2,
  // Many times what anything takes on a quiet machine: a time-out is for what would never end.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  restoreMocks: true,
  // What is waited for comes at once; on two busy cores that is not within a second.
  expect: { poll: { timeout: 60_000 } },
} as const;

/**
 * Whole processes of the built command, and databases of which each test opens some of its own, a start after the other:
 * minutes, so that they are not in `npm test`.
 */
const processes = [
  'test/process/*.test.ts',
  'test/backup/{command,embedded,restored-permissions}.test.ts',
  'test/cli/{alone,nowhere}.test.ts',
  'test/docs/*.test.ts',
  'test/library/{embedded-directory,one-instance}.test.ts',
  'test/record/{directory-lock,durability,image,removed-lock,worker-database}.test.ts',
  'test/security/secrets-of-settings.test.ts',
  'test/upgrade/{migrate-command,upgrade}.test.ts',
];
const services = ['test/**/*.{postgres,redis,cluster}.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        // Runs with Node alone: embedded database, simulation, HTTP.
        plugins: [mutantPlugin()],
        test: {
          ...shared,
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...services, ...processes],
        },
      },
      {
        // Runs with Node alone, too, and starts it.
        test: { ...shared, name: 'process', include: processes, exclude: services },
      },
      {
        // Runs on a real PostgreSQL, which the global set-up starts and stops.
        test: {
          ...shared,
          name: 'postgres',
          include: ['test/**/*.postgres.test.ts'],
          globalSetup: ['tools/services/postgres.setup.ts'],
        },
      },
      {
        // Runs on a real Redis and a real PostgreSQL.
        test: {
          ...shared,
          name: 'redis',
          include: ['test/**/*.redis.test.ts'],
          globalSetup: ['tools/services/postgres.setup.ts', 'tools/services/redis.setup.ts'],
        },
      },
      {
        // Clusters of real node processes, one after the other: each takes all cores there are.
        test: {
          ...shared,
          name: 'cluster',
          // After all the others, which would take its processors away.
          sequence: { groupOrder: 1 },
          include: ['test/**/*.cluster.test.ts'],
          globalSetup: ['tools/services/postgres.setup.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 400_000,
          hookTimeout: 400_000,
        },
      },
    ],
  },
});
