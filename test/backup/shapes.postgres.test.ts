import { describe, inject } from 'vitest';
import { backupTests } from '../conformance/backup.ts';
import { embeddedPlace, postgresPlace } from '../support/backup-places.ts';

const postgres = postgresPlace(inject('postgresUrl'));

describe('from PostgreSQL into PostgreSQL', () => backupTests({ from: postgres, to: postgres }));
describe('from an embedded record into PostgreSQL', () =>
  backupTests({ from: embeddedPlace, to: postgres }));
describe('from PostgreSQL into an embedded record', () =>
  backupTests({ from: postgres, to: embeddedPlace }));
