import { randomBytes } from 'node:crypto';
import { tarEntries } from './tar.ts';

const CONTROL_FILE = 'global/pg_control';
/** A segment of the write-ahead log in an archive. */
export const WAL_SEGMENT = /^pg_wal\/[0-9A-F]{24}$/;
/** Of PostgreSQL 18; another layout is refused rather than guessed at. */
const CONTROL_VERSION = 1800;
const NONCE = Object.freeze({ at: 257, bytes: 32 });
const CRC_AT = 292;
/** `XLogLongPageHeaderData`: the flag that there is one, and where it names the system. */
const LONG_HEADER = 0x0002;
const WAL_SYSTEM_AT = 24;

/**
 * Gives a database that was made elsewhere an identity of its own, as initdb would have: the system identifier (which
 * `server_identity()` tells histories apart by, GENERATION), in the control file and at the head of each segment of the
 * write-ahead log, and the secret that the control file keeps. Changes the archive in place.
 *
 * @param tar a data directory, as PGlite dumps it
 * @throws Error when it is none of PostgreSQL 18, or damaged.
 */
export function renewIdentity(tar: Uint8Array): void {
  const entries = [...tarEntries(tar)];
  const control = entries.find(({ name }) => name === CONTROL_FILE)?.bytes;
  if (control === undefined || control.length < CRC_AT + 4) throw unreadable();
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  if (view.getUint32(8, true) !== CONTROL_VERSION) throw unreadable();
  if (view.getUint32(CRC_AT, true) !== crc32c(control.subarray(0, CRC_AT))) throw unreadable();

  const before = view.getBigUint64(0, true);
  const system = newSystemIdentifier();
  view.setBigUint64(0, system, true);
  control.set(randomBytes(NONCE.bytes), NONCE.at);
  view.setUint32(CRC_AT, crc32c(control.subarray(0, CRC_AT)), true);

  for (const { name, bytes } of entries) {
    if (!WAL_SEGMENT.test(name)) continue;
    const page = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isLong = (page.getUint16(2, true) & LONG_HEADER) !== 0;
    // A segment that was made in advance is empty; the headers of pages have no checksum.
    if (isLong && page.getBigUint64(WAL_SYSTEM_AT, true) === before) {
      page.setBigUint64(WAL_SYSTEM_AT, system, true);
    }
  }
}

/** 63 random bits: PostgreSQL shows it as a signed number. */
function newSystemIdentifier(): bigint {
  return randomBytes(8).readBigUInt64LE() & 0x7fff_ffff_ffff_ffffn;
}

function unreadable(): Error {
  return new Error('The image is no data directory of PostgreSQL 18.');
}

/** CRC-32C (Castagnoli), as PostgreSQL takes it over its control file. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
