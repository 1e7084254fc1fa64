/**
 * Vitest's global set-up of the project `postgres`: one server for the run. A test file reads its
 * address with `inject('postgresUrl')` and takes a database with `createTestDatabase`.
 */
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { type Postgres, startPostgres } from './postgres.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a role that may create databases and roles, and is no superuser. */
    postgresUrl: string;
    postgresSuperuserUrl: string;
  }
}

let postgres: Postgres | undefined;

export async function setup(project: TestProject): Promise<void> {
  postgres = await startPostgres();
  project.provide('postgresUrl', postgres.url);
  project.provide('postgresSuperuserUrl', postgres.superuserUrl);
}

export async function teardown(): Promise<void> {
  await postgres?.stop();
}
