import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordSchema } from '../../src/record/contract.ts';
import { versionOfThis } from '../../src/record/release.ts';
import { type Operated, startOperated } from '../support/cli.ts';

let operated: Operated;
/** What the server says of its record. */
let told: (schema: RecordSchema) => RecordSchema = (schema) => schema;

beforeAll(async () => {
  operated = await startOperated((commands) => ({
    ...commands,
    schema: async () => told(await commands.schema()),
  }));
});
afterAll(() => operated?.close());

const to = versionOfThis();

describe('B4 sekisho migrate on a directory that is served', () => {
  test('all forms: the server has migrated, and nothing is to be done', async () => {
    for (const form of [[], ['--check'], ['--dry-run']]) {
      const ran = await operated.run('migrate', '--json', ...form);
      expect(ran).toMatchObject({
        code: 0,
        json: { migrated: false, kind: 'current', from: to, to },
      });
      expect(ran.json).toMatchObject({ migrations: [], functions: [], members: [{ release: to }] });
    }
    expect((await operated.run('migrate')).stdout).toContain('nothing to do');
  });

  test('a newer release than the server’s says what it would do, and leaves it to a start', async () => {
    told = ({ state, members }) => {
      const [[one] = ['']] = Object.entries(state.functions);
      const { [one]: _missing, ...functions } = state.functions;
      return { state: { ...state, functions, releases: { '0.0.9': '0.0.9' } }, members };
    };
    const planned = await operated.run('migrate', '--json', '--dry-run');
    expect(planned).toMatchObject({
      code: 0,
      json: {
        migrated: false,
        kind: 'upgrade',
        from: '0.0.9',
        to,
        functions: [expect.any(String)],
      },
    });
    const { code, json } = await operated.run('migrate', '--json', '--check');
    expect({ code, json }).toEqual({ code: 1, json: planned.json });
    const refused = await operated.run('migrate', '--json');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.json).toMatchObject({ error: { code: 'data_directory_in_use' } });
    expect(refused.stderr).toContain(`from 0.0.9 to ${to}`);
  });
});
