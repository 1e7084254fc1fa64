import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createInstance } from '../../src/create/instance.ts';
import { openEngine } from '../../src/create/open.ts';
import { SECRET } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

test('JOIN a start whose database dies ends with words about it, and waits for nothing', async () => {
  const { record } = await openTestRecord(new URL('../support/dying-at-join.js', import.meta.url));
  const config = readConfig({ dataDir: 'nowhere', secret: SECRET, logLevel: 'silent' });
  const { sekisho, ready } = createInstance(config, (_config, opening) =>
    openEngine({ record, config, secret: SECRET, exclusive: true, ...opening }),
  );
  await expect(ready).rejects.toMatchObject({
    code: 'data_directory_unusable',
    message: expect.stringMatching(
      /nowhere ended while it was being opened: .*No space left.* start it again/,
    ),
  });
  const answer = await sekisho.operations(new Request('http://localhost/readyz'));
  expect(answer.status).toBe(503);
  await sekisho.close();
});
