import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, crc32 } from 'node:zlib';
import type { Database } from '../database.ts';
import { applyRelease, thisRelease } from '../migrator.ts';
import { renewIdentity, WAL_SEGMENT } from './cluster-identity.ts';
import { tarEntries } from './tar.ts';
import { startWorkerDatabase } from './worker-database.ts';

/**
 * Where the build puts the image: beside this file in the package. Named from the package's root, so that code that runs
 * from src/ finds the one of the last build.
 */
const BUILT = fileURLToPath(new URL('../../../dist/record/pglite/', import.meta.url));
const IMAGE_FILE = /^image-[0-9a-f]{32}\.tar\.br$/;
const CRC_BYTES = 4;
/** How an image is made; another number for another way. */
const FORMAT = '2';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/**
 * A migrated database without any row of a deployment: what a first start would make in some seconds of processor time
 * by initdb and the migrations. The first generation, keys, ids and settings are not in it; whoever opens it makes them.
 *
 * The name of its file says what it is of: the releases of PGlite and of Sekisho, the migrations and the functions.
 *
 * @param folder default: where the build puts it.
 * @returns a data directory as a tar file, with an identity of its own; null when there is none that fits.
 */
export async function readImage(folder: string = BUILT): Promise<Uint8Array | null> {
  let packed: Buffer;
  try {
    packed = readFileSync(join(folder, imageName()));
  } catch {
    // Not built, or built of something else. Initdb and migrations do the same.
    return null;
  }
  let tar: Buffer;
  try {
    tar = await decompress(packed.subarray(CRC_BYTES));
  } catch {
    return null;
  }
  if (crc32(tar) !== packed.readUInt32BE(0)) return null;
  renewIdentity(tar);
  return tar;
}

/** Makes the image that fits this release in `folder`, unless it is there, and removes others. @returns its path. */
export async function writeImage(folder: string = BUILT): Promise<string> {
  const name = imageName();
  const path = join(folder, name);
  mkdirSync(folder, { recursive: true });
  const there = readdirSync(folder).filter((file) => IMAGE_FILE.test(file));
  if (!there.includes(name)) {
    const tar = await makeImage();
    const crc = Buffer.alloc(CRC_BYTES);
    crc.writeUInt32BE(crc32(tar));
    const packed = await compress(tar, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_SIZE_HINT]: tar.length,
      },
    });
    // Several processes may make it at once, and one may be killed: it gets its name when it is whole.
    const own = `${path}.${process.pid}`;
    writeFileSync(own, Buffer.concat([crc, packed]));
    renameSync(own, path);
  }
  for (const other of there) if (other !== name) rmSync(join(folder, other), { force: true });
  return path;
}

/** A database without any schema, as initdb makes it: where no image fits. */
export async function makeBareImage(): Promise<Uint8Array> {
  return await dumpOf(async () => {});
}

async function makeImage(): Promise<Uint8Array> {
  // Without `begin_record`: the id of a generation is one deployment's alone.
  return await dumpOf((database) => applyRelease(database, thisRelease()));
}

async function dumpOf(fill: (database: Database) => Promise<unknown>): Promise<Uint8Array> {
  const database = await startWorkerDatabase({});
  try {
    await fill(database);
    await shrink(database);
    const [row] = await database.query<{ name: string }>({
      text: 'select pg_walfile_name(pg_current_wal_lsn()) as name',
    });
    const tar = await database.dump();
    for (const { name, bytes } of tarEntries(tar)) {
      // Made in advance from what an older one held: nobody reads that.
      if (WAL_SEGMENT.test(name) && !name.endsWith(`/${row?.name}`)) bytes.fill(0);
    }
    return tar;
  } finally {
    await database.close();
  }
}

/**
 * Takes away what no deployment needs: the two databases that others would be made from, which are two thirds of a new
 * cluster (and, since nobody vacuums them, would end the numbers of its transactions), and the log of how it was made.
 */
async function shrink(database: Database): Promise<void> {
  for (const text of [
    // Everything is in its place after a checkpoint, and segments that were left before it go; dropping makes some, too.
    'set wal_recycle = off',
    'update pg_database set datistemplate = false, datallowconn = true',
    'drop database template0',
    'drop database template1',
    'select pg_switch_wal()',
    'checkpoint',
  ]) {
    await database.query({ text });
  }
}

function imageName(): string {
  // An image of another release of PGlite is of no use.
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = readFileSync(join(dirname(entry), '../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const release = thisRelease();
  const texts = [...release.migrations, ...release.functions];
  const parts = [
    ...[FORMAT, version, release.version, release.runsBeside],
    ...texts.map(({ name, checksum }) => `${name} ${checksum}`),
  ];
  const checksum = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
  return `image-${checksum}.tar.br`;
}
