import { readConfig } from '../../config.ts';
import { openRecord } from '../../create/record.ts';
import type { Command } from '../command.ts';
import { reachOptions } from '../operator.ts';
import { print } from '../output.ts';
import { readRecordOptions } from '../settings.ts';

export const migrate: Command = {
  name: 'migrate',
  operands: [],
  summary:
    "Brings the record's schema up to this release's; serve does so by itself when it starts.",
  options: reachOptions,
  examples: ['DATABASE_URL=postgres://… SEKISHO_SECRET=… sekisho migrate'],
  async run(call) {
    // Opening a record brings its schema up to date, under a lock that two migrators share.
    const { record } = await openRecord(readConfig(readRecordOptions(call)));
    await record.close();
    print(call.options.json === true, { migrated: true }, ["the schema is this release's"]);
    return 0;
  },
};
