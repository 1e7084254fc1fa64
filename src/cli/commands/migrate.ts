import { type Config, readConfig } from '../../config.ts';
import {
  type MigrationReport,
  migrateRecord,
  planRecord,
  planServed,
} from '../../create/migration.ts';
import { SekishoError } from '../../errors.ts';
import { makeSecret } from '../../token/secrets.ts';
import { type Command, given, UsageError, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions, runningAt } from '../operator.ts';
import { print } from '../output.ts';
import { readRecordOptions } from '../settings.ts';

export const migrate: Command = {
  name: 'migrate',
  operands: [],
  summary: 'Brings the record up to this release; serve does so by itself when it starts.',
  description: [
    'Migrations only add, so that nodes of the release before go on while it runs and after it. A record that a newer release has upgraded is left as it is where that release allows this one beside it, and is refused otherwise.',
    'A server that runs on a data directory has migrated it, and says so; with a newer release than the server’s it says what the next start would do, and migrates nothing before the server has ended.',
    'It takes the database and no secret, so that whoever may change tables need not be able to read keys.',
  ],
  options: [
    { name: 'dry-run', help: 'say what would be done, and change nothing' },
    { name: 'check', help: 'the same, and exit with 1 when there is anything to be done' },
    ...reachOptions,
  ],
  examples: [
    'DATABASE_URL=postgres://… sekisho migrate --dry-run',
    'DATABASE_URL=postgres://… sekisho migrate',
    'sekisho migrate --data-dir .sekisho --check',
  ],
  async run(call) {
    const check = given(call, 'check');
    const dryRun = given(call, 'dry-run');
    if (check && dryRun) throw new UsageError('--check and --dry-run: give one of them');
    const config = readConfig({ ...readRecordOptions(call), secret: makeSecret() });
    const changes = !(check || dryRun);
    const served = await planOfRunning(config);
    if (served !== null && changes && isPending(served)) {
      throw new SekishoError(
        'data_directory_in_use',
        `A server of another release runs on this data directory, which would be upgraded from ${served.from} to ${served.to}: stop it, then migrate, or start sekisho serve of ${served.to}, which does it.`,
      );
    }
    const report = served ?? (changes ? await migrateRecord(config) : await planRecord(config));
    const pending = isPending(report);
    const migrated = changes && pending;
    print(wantsJson(call), { migrated, ...report }, linesOf(report, migrated));
    return check && pending ? EXIT.failed : EXIT.done;
  },
};

/** Of an embedded record that is served: the server tells, and has migrated it when it started; null for all others. */
async function planOfRunning({ record }: Config): Promise<MigrationReport | null> {
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir) : null;
  return running === null ? null : planServed(await running.schema());
}

function isPending({ kind }: MigrationReport): boolean {
  return kind === 'new' || kind === 'upgrade';
}

function linesOf(report: MigrationReport, migrated: boolean): readonly string[] {
  const { from, to, migrations, functions, members } = report;
  const nodes = members.map(
    ({ id, address, release }) => `  ${address ?? id}  ${release ?? 'unknown'}`,
  );
  return [
    sentenceOf(report, migrated),
    ...(migrations.length === 0 ? [] : ['migrations:', ...migrations.map((name) => `  ${name}`)]),
    ...(functions.length === 0 || from === null ? [] : [`functions: ${functions.join(', ')}`]),
    ...(nodes.length === 0 ? [] : [`nodes that run, with their releases (this one is ${to}):`]),
    ...nodes,
  ];
}

function sentenceOf({ kind, from, to }: MigrationReport, migrated: boolean): string {
  switch (kind) {
    case 'current':
      return `the record is up to date with ${to}: nothing to do`;
    case 'older':
      return `the record belongs to ${from}, beside which ${to} may run: left as it is`;
    case 'new':
      return migrated
        ? `the record was empty and has the schema of ${to} now`
        : `the record is empty and would get the schema of ${to}`;
    case 'upgrade':
      return migrated
        ? `the record was upgraded from ${from} to ${to}`
        : `the record is at ${from} and would be upgraded to ${to}`;
  }
}
