import { afterEach, expect, test, vi } from 'vitest';
import { cleanUp } from '../support/process.ts';
import { drive } from './examples/drive.ts';
import { programsOf } from './examples/programs.ts';

vi.setConfig({ testTimeout: 300_000 });
afterEach(cleanUp);

test('A12 an app with cookies and JWTs of its own moves over: nobody is logged out, and its API answers as before', async () => {
  const { sekisho = '', ...programs } = programsOf('docs/moving-over.md');
  expect(Object.keys(programs).sort()).toEqual(['both-systems', 'exchange']);
  // The page's database is one in PostgreSQL, with a secret from the environment.
  const place = /databaseUrl: .*\n.*secret: .*\n/;
  expect(sekisho).toMatch(place);
  const embedded = sekisho.replace(place, "dataDir: '.sekisho', logLevel: 'silent',\n");
  const [ada, kei] = ['acme/ada/member', 'acme/kei/member'];
  expect(await drive('moving-over.mjs', { ...programs, sekisho: embedded })).toEqual({
    before: [ada, kei, 401],
    behind: [ada, kei, 401],
    forged: [401, '401 invalid_token', 401],
    whileLost: ada,
    browser: [204, ada, ada],
    browserLater: [ada, 401],
    app: [200, 0, 'Bearer', 300, kei, kei, ada],
    refreshed: 200,
    revoked: '401 session_revoked',
  });
});
