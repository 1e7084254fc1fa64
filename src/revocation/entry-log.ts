import { Buffer } from 'node:buffer';
import type { Entry, Scope } from './types.ts';

/** Scopes that this release understands; the index is what is stored. */
const SCOPES: readonly Scope[] = ['all', 'tenant', 'user', 'session', 'reissue'];

export function isKnownScope(scope: string): scope is Scope {
  return (SCOPES as readonly string[]).includes(scope);
}

const CHUNK_ENTRIES = 4096;
const FIRST_BYTES = 4096;
/** Fixed part of an entry: scope, index of generation, index of tenant. */
const HEAD_BYTES = 5;
const NO_TENANT = 0xffff;

/** How a field is stored: absent, as the 16 bytes that its 22 characters stand for, or as text with its length. */
const ABSENT = 0;
const PACKED = 1;
const TEXT = 2;
const PACKED_BYTES = 16;
/** Canonical unpadded base64url of 16 bytes: the last character carries two bits. */
const PACKABLE = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Up to 4096 entries one after the other. Generations and tenants repeat, so they are kept once a chunk. */
interface Chunk {
  bytes: Buffer;
  used: number;
  count: number;
  readonly starts: Uint32Array;
  readonly names: string[];
  /** Only while the chunk still grows. */
  index: Map<string, number> | null;
}

/**
 * The entries of a view, dense and in order, in about 60 bytes each: a node may hold a million of them, which as objects
 * would cost several times as much and be walked by every garbage collection. Appended at the end, dropped at the front.
 */
export class EntryLog {
  #chunks: Chunk[] = [];
  /** Entries of the first chunk that were dropped. */
  #dropped = 0;
  #length = 0;
  /** Position of the entry before the first. */
  #before: number;

  constructor(before: number) {
    this.#before = before;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of the buffers that hold the entries. */
  get byteLength(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk.bytes.byteLength + chunk.starts.byteLength;
    return bytes;
  }

  /** Appends the entry at position `before + length + 1`; its scope must be a known one. */
  append(entry: Entry): void {
    const chunk = this.#open(entry);
    chunk.starts[chunk.count] = chunk.used;
    chunk.used = writeEntry(chunk, entry);
    chunk.count += 1;
    this.#length += 1;
    if (chunk.count === CHUNK_ENTRIES) seal(chunk);
  }

  /** The entry at `position`, which must be held. */
  at(position: number): Entry {
    const offset = position - this.#before - 1 + this.#dropped;
    const chunk = this.#chunks[Math.floor(offset / CHUNK_ENTRIES)];
    if (position <= this.#before || position > this.#before + this.#length || chunk === undefined) {
      throw new RangeError(`no entry at position ${position}`);
    }
    return readEntry(chunk, offset % CHUNK_ENTRIES, position);
  }

  /** The entries from `from` to `to`, both included and both held. */
  *range(from: number, to: number): Generator<Entry> {
    for (let position = from; position <= to; position += 1) yield this.at(position);
  }

  /** Drops the first entry. */
  dropFirst(): void {
    if (this.#length === 0) return;
    this.#length -= 1;
    this.#before += 1;
    this.#dropped += 1;
    if (this.#dropped === CHUNK_ENTRIES) {
      this.#chunks.shift();
      this.#dropped = 0;
    }
  }

  /** The chunk that has room for `entry`. */
  #open(entry: Entry): Chunk {
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || chunk.count === CHUNK_ENTRIES) {
      chunk = {
        bytes: Buffer.allocUnsafeSlow(FIRST_BYTES),
        used: 0,
        count: 0,
        starts: new Uint32Array(CHUNK_ENTRIES),
        names: [],
        index: new Map(),
      };
      this.#chunks.push(chunk);
    }
    const needed =
      chunk.used +
      HEAD_BYTES +
      fieldBound(entry.operationId) +
      fieldBound(entry.uid) +
      fieldBound(entry.sid) +
      fieldBound(entry.sparedSid);
    if (needed > chunk.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, chunk.bytes.length * 2));
      chunk.bytes.copy(grown, 0, 0, chunk.used);
      chunk.bytes = grown;
    }
    return chunk;
  }
}

function seal(chunk: Chunk): void {
  const exact = Buffer.allocUnsafeSlow(chunk.used);
  chunk.bytes.copy(exact, 0, 0, chunk.used);
  chunk.bytes = exact;
  chunk.index = null;
}

function nameIndex(chunk: Chunk, name: string): number {
  const known = chunk.index?.get(name);
  if (known !== undefined) return known;
  const next = chunk.names.push(name) - 1;
  chunk.index?.set(name, next);
  return next;
}

function writeEntry(chunk: Chunk, entry: Entry): number {
  const { bytes } = chunk;
  let at = bytes.writeUInt8(SCOPES.indexOf(entry.scope as Scope), chunk.used);
  at = bytes.writeUInt16LE(nameIndex(chunk, entry.generation), at);
  at = bytes.writeUInt16LE(entry.tid === null ? NO_TENANT : nameIndex(chunk, entry.tid), at);
  at = writeField(bytes, at, entry.operationId);
  at = writeField(bytes, at, entry.uid);
  at = writeField(bytes, at, entry.sid);
  return writeField(bytes, at, entry.sparedSid);
}

function readEntry(chunk: Chunk, index: number, position: number): Entry {
  const { bytes, names } = chunk;
  const start = chunk.starts[index] ?? 0;
  const tenant = bytes.readUInt16LE(start + 3);
  const cursor = { at: start + HEAD_BYTES };
  return {
    generation: names[bytes.readUInt16LE(start + 1)] ?? '',
    position,
    operationId: readField(bytes, cursor) ?? '',
    scope: SCOPES[bytes.readUInt8(start)] ?? '',
    tid: tenant === NO_TENANT ? null : (names[tenant] ?? null),
    uid: readField(bytes, cursor),
    sid: readField(bytes, cursor),
    sparedSid: readField(bytes, cursor),
  };
}

/** The most bytes that `value` can take. */
function fieldBound(value: string | null): number {
  return value === null ? 1 : 3 + Math.max(PACKED_BYTES, value.length * 3);
}

function writeField(bytes: Buffer, at: number, value: string | null): number {
  if (value === null) return bytes.writeUInt8(ABSENT, at);
  if (PACKABLE.test(value)) {
    bytes.writeUInt8(PACKED, at);
    return at + 1 + bytes.write(value, at + 1, 'base64url');
  }
  const length = bytes.write(value, at + 3, 'utf8');
  bytes.writeUInt8(TEXT, at);
  bytes.writeUInt16LE(length, at + 1);
  return at + 3 + length;
}

function readField(bytes: Buffer, cursor: { at: number }): string | null {
  const kind = bytes.readUInt8(cursor.at);
  const from = cursor.at + (kind === TEXT ? 3 : 1);
  if (kind === ABSENT) {
    cursor.at = from;
    return null;
  }
  const to = from + (kind === PACKED ? PACKED_BYTES : bytes.readUInt16LE(cursor.at + 1));
  cursor.at = to;
  return bytes.toString(kind === PACKED ? 'base64url' : 'utf8', from, to);
}
