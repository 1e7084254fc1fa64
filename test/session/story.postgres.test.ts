import { inject } from 'vitest';
import { startTestEngine } from '../support/engine.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import { storyTests } from './story.ts';

storyTests(async () => {
  const { record, close } = await openPostgresTestRecord(inject('postgresUrl'));
  return startTestEngine({ record: { ...record, close } });
});
