import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const KEPT = fileURLToPath(new URL('../fixtures/releases/', import.meta.url));
// Beneath node_modules, so that the releases find the packages that they import, and that the test runner leaves their code
// as it is.
const UNPACKED = fileURLToPath(
  new URL('../../node_modules/.cache/sekisho-releases/', import.meta.url),
);

/**
 * The first release that starts on a record which a newer one has upgraded; 0.0.0 goes on where it runs, and does not start
 * on a record with migrations that it does not know.
 */
export const KNOWS_OF_NEWER = '0.1.0';

/** A release as `node tools/release-fixture.mjs` kept it. */
export interface KeptRelease {
  readonly version: string;
  readonly commit: string;
  /** Of its migrations, by file name. */
  readonly migrations: Readonly<Record<string, string>>;
  /** Its code, unpacked: `src/` and the suites of its record, compiled. */
  readonly folder: string;
  /** Imports a module of it, such as `src/record/sql-record.js`; the caller says what it is. */
  load<Module>(path: string): Promise<Module>;
}

/** Every release that was kept, oldest first by name. */
export function keptReleases(): readonly KeptRelease[] {
  return readdirSync(KEPT)
    .sort()
    .map((version) => keptRelease(version));
}

function keptRelease(version: string): KeptRelease {
  const shown = JSON.parse(readFileSync(join(KEPT, version, 'release.json'), 'utf8')) as {
    readonly version: string;
    readonly commit: string;
    readonly checksum: string;
    readonly migrations: Readonly<Record<string, string>>;
  };
  const packed = readFileSync(join(KEPT, version, 'release.json.br'));
  const checksum = createHash('sha256').update(packed).digest('hex');
  if (checksum !== shown.checksum) throw new Error(`release ${version} is not what was kept`);
  const folder = join(UNPACKED, `${version}-${checksum.slice(0, 16)}`);
  if (!existsSync(folder)) unpack(packed, folder);
  const { commit, migrations } = shown;
  return {
    ...{ version, commit, migrations, folder },
    load: async (path) => await import(pathToFileURL(join(folder, path)).href),
  };
}

/** Several test files may do it at once: each under a name of its own first. */
function unpack(packed: Uint8Array, folder: string): void {
  mkdirSync(UNPACKED, { recursive: true });
  const own = mkdtempSync(join(UNPACKED, 'unpacking-'));
  const files = JSON.parse(brotliDecompressSync(packed).toString('utf8')) as Record<string, string>;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(own, path)), { recursive: true });
    writeFileSync(join(own, path), text);
  }
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}
