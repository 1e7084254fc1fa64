import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** A numbered change of the schema: `0001_schema.sql` is version 1. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** A function of the record: `sql/commit.sql` (re)creates `sekisho.commit`. */
export interface SqlFunction {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** The migrations of this release, in order, without gaps. */
export function loadMigrations(): readonly Migration[] {
  const migrations = read('migrations').map(({ name, text, checksum }) => ({
    version: Number.parseInt(name, 10),
    name,
    text,
    checksum,
  }));
  for (const [index, { version, name }] of migrations.entries()) {
    if (version !== index + 1) throw new Error(`migration ${name} should have number ${index + 1}`);
  }
  return migrations;
}

/** All functions of the record; their order does not matter. */
export function loadFunctions(): readonly SqlFunction[] {
  return read('sql');
}

/** The text of a plain statement that is not a function, from `statements/<name>.sql`. */
export function loadStatement(name: string): string {
  return readFileSync(new URL(`statements/${name}.sql`, import.meta.url), 'utf8');
}

function read(folder: string): SqlFunction[] {
  const directory = new URL(`${folder}/`, import.meta.url);
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, directory), 'utf8');
      return { name: file.slice(0, -'.sql'.length), text, checksum: checksumOf(text) };
    });
}

function checksumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
