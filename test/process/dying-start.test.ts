import { afterEach, expect, test } from 'vitest';
import { cleanUp, freshDirectory, sekisho, serve } from '../support/process.ts';

afterEach(cleanUp);

const preload = new URL('../support/with-dying-worker.js', import.meta.url).href;
/** The thread of the database ends, as on a full disk, when it is given a statement with `text` in it. */
const dyingOf = (text: string) => ({ NODE_OPTIONS: `--import=${preload}`, DIES_OF: text });

test('JOIN a start whose database dies says so in one line and exits 1, a server’s and a command’s; the next one goes on', async () => {
  const directory = freshDirectory();
  const at = ['--data-dir', directory];
  const quiet = { SEKISHO_LOG_LEVEL: 'silent' };
  const why = `${directory} ended while it was being opened: .*No space left`;

  const first = await sekisho(['serve', '--port', '0', ...at], {
    ...quiet,
    ...dyingOf('begin_record'),
  });
  expect(first).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: expect.stringMatching(new RegExp(`^sekisho: The database in ${why}.*\n$`)),
  });

  const command = await sekisho(['tenant', 'list', '--json', ...at], dyingOf('join_member'));
  expect(command).toMatchObject({ code: 1, stdout: '' });
  expect(JSON.parse(command.stderr)).toEqual({
    error: { code: 'data_directory_unusable', message: expect.stringMatching(why) },
  });

  // Before anything could be asked of it.
  const opening = await sekisho(['tenant', 'list', ...at], dyingOf('opening'));
  expect(opening).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: expect.stringMatching(/^sekisho: .* cannot be opened: .*No space left.*\n$/),
  });

  const next = await serve(directory);
  expect(next.lines).toHaveLength(2);
  expect(await next.end('SIGTERM')).toBe(0);
}, 240_000);
