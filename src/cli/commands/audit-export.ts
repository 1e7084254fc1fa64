import { type ExportFormat, exportHead, exportText } from '../../audit/export.ts';
import { type Command, oneOf, optional, UsageError, wantsJson } from '../command.ts';
import { EXIT } from '../exit.ts';
import { actOptions, type OperatorCommands, withOperator } from '../operator.ts';
import { complain, print } from '../output.ts';
import { progressBar } from '../progress.ts';
import { type Put, putOut, toNewFile } from '../sink.ts';
import { filterOf, filterOptions, ofTrail } from './audit.ts';

const FORMATS: readonly ExportFormat[] = ['jsonl', 'csv'];

export const auditExport: Command = {
  name: 'audit export',
  operands: [],
  summary: 'Writes an audit trail as JSON lines or CSV, oldest first.',
  description: [
    'JSON lines can be verified elsewhere: sekisho audit verify --file. The export stands in the trail itself. Of a FILE that cannot be written in full nothing is left.',
  ],
  options: [
    ...ofTrail,
    ...filterOptions,
    { name: 'format', value: 'FORMAT', help: 'jsonl (default) or csv' },
    { name: 'output', value: 'FILE', help: 'a new file; default: standard output' },
    ...actOptions,
  ],
  examples: [
    'sekisho audit export --tenant main --output trail.jsonl',
    'sekisho audit export --tenant main --format csv --from 2030-01-01 --to 2030-02-01 > january.csv',
  ],
  async run(call) {
    const format = oneOf(call, 'format', FORMATS) ?? 'jsonl';
    const output = optional(call, 'output');
    if (output === null && wantsJson(call)) {
      throw new UsageError('--json tells of the file that --output names: say where to write');
    }
    const filter = filterOf(call);
    const tenant = optional(call, 'tenant');
    const rows = await withOperator(call, (operator) => {
      const write = (put: Put) => writeAll(operator, put, format, { tenant, filter });
      return output === null ? write(putOut) : toNewFile(output, write);
    });
    if (output === null) complain(`${rows} rows`);
    else print(wantsJson(call), { file: output, format, rows }, [`${rows} rows in ${output}`]);
    return EXIT.done;
  },
};

async function writeAll(
  operator: OperatorCommands,
  put: Put,
  format: ExportFormat,
  what: Pick<Parameters<OperatorCommands['exportAudit']>[0], 'tenant' | 'filter'>,
): Promise<number> {
  const show = progressBar('exporting rows');
  let cursor: Parameters<OperatorCommands['exportAudit']>[0]['cursor'] = null;
  let rows = 0;
  await put(exportHead(format));
  do {
    const page: Awaited<ReturnType<OperatorCommands['exportAudit']>> = await operator.exportAudit({
      ...what,
      cursor,
    });
    await put(exportText(format, page.lines));
    rows += page.lines.length;
    show({ done: rows, total: null });
    cursor = page.next;
  } while (cursor !== null);
  return rows;
}
