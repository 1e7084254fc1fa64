import { readConfig } from '../../config.ts';
import { type MigrationReport, migrateRecord, planRecord } from '../../create/migration.ts';
import { makeSecret } from '../../token/secrets.ts';
import { type Command, given, UsageError, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { reachOptions } from '../operator.ts';
import { print } from '../output.ts';
import { readRecordOptions } from '../settings.ts';

export const migrate: Command = {
  name: 'migrate',
  operands: [],
  summary: 'Brings the record up to this release; serve does so by itself when it starts.',
  description: [
    'Migrations only add, so that nodes of the release before go on while it runs and after it. A record that a newer release has upgraded is left as it is where that release allows this one beside it, and is refused otherwise.',
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
    const report = changes ? await migrateRecord(config) : await planRecord(config);
    const pending = report.kind === 'new' || report.kind === 'upgrade';
    const migrated = changes && pending;
    print(wantsJson(call), { migrated, ...report }, linesOf(report, migrated));
    return check && pending ? EXIT.failed : EXIT.done;
  },
};

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
