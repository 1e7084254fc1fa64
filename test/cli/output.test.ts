import { expect, test, vi } from 'vitest';
import { explain } from '../../src/cli/output.ts';
import { SekishoError } from '../../src/errors.ts';

function explained(
  error: unknown,
  json: boolean,
): { readonly code: number; readonly said: string } {
  let said = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  try {
    return { code: explain(error, json), said };
  } finally {
    write.mockRestore();
  }
}

test('A8 a command whose database is away says why, in one line', () => {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:5432');
  const error = new SekishoError('store_unavailable', 'PostgreSQL cannot be reached.', { cause });
  const words = 'PostgreSQL cannot be reached. connect ECONNREFUSED 127.0.0.1:5432';
  expect(explained(error, false)).toEqual({ code: 1, said: `sekisho: ${words}\n` });
  expect(JSON.parse(explained(error, true).said)).toEqual({
    error: { code: 'store_unavailable', message: words },
  });
});

test('what was refused says nothing of what lies beneath', () => {
  const error = new SekishoError('not_found', 'There is no such tenant.', {
    cause: new Error('of no use to anybody'),
  });
  expect(explained(error, false).said).toBe('sekisho: There is no such tenant.\n');
});
