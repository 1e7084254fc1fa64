import { SekishoError } from '../../errors.ts';

/** How every file begins: what it is, and the version of its layout. */
const MAGIC = 'sekisho-backup';
const FORMAT = 1;

/** Bytes that the first two lines may take together. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** The second line: what the file holds. Anybody can read it; that it was not changed shows when the rest is opened. */
export interface BackupHeader {
  /** Id of the ring member from whose key the file's own is derived. */
  readonly keyId: string;
  /** 32 random bytes, base64url: the file's own key is like no other's. */
  readonly salt: string;
  /** RFC 3339. */
  readonly takenAt: string;
  readonly kind: 'pglite' | 'postgres';
  readonly deployment: string | null;
  readonly generation: string;
  readonly position: number;
  /** The newest release that the record was brought up to. */
  readonly release: string;
  /** Migrations that the record had, in order. */
  readonly migrations: readonly { readonly name: string; readonly checksum: string }[];
  /** Rows of each table, in the order in which they follow. */
  readonly tables: Readonly<Record<string, number>>;
}

/** The lines before the content. */
export function headerText(header: BackupHeader): string {
  return `${MAGIC} ${FORMAT}\n${JSON.stringify(header)}\n`;
}

/**
 * Reads the lines before the content.
 *
 * @param bytes at least the first `MAX_HEADER_BYTES` of the file, or all of it.
 * @returns null when the file ends inside of them.
 * @throws SekishoError `backup_unusable` for a file of something else, or of a newer layout.
 */
export function readHeader(
  bytes: Buffer,
): { readonly header: BackupHeader; readonly text: string } | null {
  const begins = `${MAGIC} `;
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, begins.length));
  if (!begins.startsWith(start)) throw noBackup();
  const first = bytes.indexOf('\n');
  if (first < 0 || first > begins.length + 10) {
    if (bytes.length < begins.length + 10) return null;
    throw noBackup();
  }
  const format = bytes.toString('latin1', begins.length, first);
  if (!/^[1-9]\d{0,8}$/.test(format)) throw noBackup();
  if (Number(format) > FORMAT) {
    throw unusable(
      `has layout ${format}, this release of Sekisho knows ${FORMAT} at most: restore it with the release that made it, or a later one`,
    );
  }
  const second = bytes.indexOf('\n', first + 1);
  if (second < 0) {
    if (bytes.length < MAX_HEADER_BYTES) return null;
    throw unusable('was changed or damaged: its header does not end');
  }
  try {
    const text = bytes.toString('utf8', 0, second + 1);
    const header = JSON.parse(bytes.toString('utf8', first + 1, second)) as BackupHeader;
    if (isHeader(header)) return { header, text };
  } catch {
    // Said below.
  }
  throw unusable('was changed or damaged: its header cannot be read');
}

/** Rows of all tables together. */
export function rowsOf({ tables }: Pick<BackupHeader, 'tables'>): number {
  return Object.values(tables).reduce((sum, rows) => sum + rows, 0);
}

function noBackup(): SekishoError {
  return new SekishoError('backup_unusable', 'The file is no backup of Sekisho.');
}

/** @param why what is wrong with the file, after `The backup …`. */
export function unusable(why: string, cause?: unknown): SekishoError {
  return new SekishoError(
    'backup_unusable',
    `The backup ${why}.`,
    cause === undefined ? {} : { cause },
  );
}

/** Enough to know what to say of the rest, which is authentic or is not opened. */
function isHeader(value: BackupHeader): boolean {
  return (
    typeof value.keyId === 'string' &&
    typeof value.salt === 'string' &&
    !Number.isNaN(Date.parse(value.takenAt)) &&
    Number.isSafeInteger(value.position) &&
    typeof value.generation === 'string' &&
    typeof value.release === 'string' &&
    Array.isArray(value.migrations) &&
    typeof value.tables === 'object' &&
    value.tables !== null
  );
}
