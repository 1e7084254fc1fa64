/** Looks for files of src/, tools/, bench/ and demo/ that are too long. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMeasured, tooLong } from './lengths.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['src', 'tools', 'bench', 'demo']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      posix.join(folder, file.replaceAll('\\', '/')),
    ),
  )
  .filter((file) => isMeasured(file) && !file.includes('/node_modules/'));
const wrong = files.flatMap((file) => tooLong(file, readFileSync(join(root, file), 'utf8')) ?? []);

for (const line of wrong) console.error(line);
if (wrong.length > 0 || files.length === 0) process.exit(1);
console.log(`lengths: ${files.length} files, none too long`);
