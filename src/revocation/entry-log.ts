import { Buffer } from 'node:buffer';
import { PACKED_BYTES, packId } from './packed-id.ts';
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
const TENANT_AT = 3;
const NO_TENANT = 0xffff;

/** How a field is stored: absent, as the 16 bytes that its 22 characters stand for, or as text with its length. */
const ABSENT = 0;
const PACKED = 1;
const TEXT = 2;

/** The ids of an entry that can be looked for, by their place in it. */
export type IdField = 'uid' | 'sid' | 'sparedSid';
/** Fields that stand before each: the operation's id comes first. */
const FIELDS_BEFORE: Readonly<Record<IdField, number>> = { uid: 1, sid: 2, sparedSid: 3 };

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
  /** What the last full chunk grew in: the next one grows there, so that a million entries leave no garbage of buffers. */
  #spare: Buffer | null = null;
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
    if (chunk.count === CHUNK_ENTRIES) this.#spare = seal(chunk);
  }

  /** The entry at `position`, which must be held. */
  at(position: number): Entry {
    const offset = this.#offsetOf(position);
    return readEntry(this.#chunkAt(offset), offset % CHUNK_ENTRIES, position);
  }

  /** Whether the entry at `position`, which must be held, is of tenant `tid` and has `id` in `field`. Allocates nothing. */
  names(position: number, tid: string, field: IdField, id: string): boolean {
    const offset = this.#offsetOf(position);
    const { bytes, starts, names } = this.#chunkAt(offset);
    const start = starts[offset % CHUNK_ENTRIES] ?? 0;
    if (names[bytes.readUInt16LE(start + TENANT_AT)] !== tid) return false;
    let at = start + HEAD_BYTES;
    for (let before = FIELDS_BEFORE[field]; before > 0; before -= 1) at = fieldEnd(bytes, at);
    return fieldIs(bytes, at, id);
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

  #offsetOf(position: number): number {
    if (position <= this.#before || position > this.#before + this.#length) {
      throw new RangeError(`no entry at position ${position}`);
    }
    return position - this.#before - 1 + this.#dropped;
  }

  #chunkAt(offset: number): Chunk {
    return this.#chunks[Math.floor(offset / CHUNK_ENTRIES)] as Chunk;
  }

  /** The chunk that has room for `entry`. */
  #open(entry: Entry): Chunk {
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || chunk.count === CHUNK_ENTRIES) {
      chunk = {
        bytes: this.#spare ?? Buffer.allocUnsafeSlow(FIRST_BYTES),
        used: 0,
        count: 0,
        starts: new Uint32Array(CHUNK_ENTRIES),
        names: [],
        index: new Map(),
      };
      this.#spare = null;
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

/** A full chunk keeps what it needs. @returns the buffer in which it grew. */
function seal(chunk: Chunk): Buffer {
  const grown = chunk.bytes;
  chunk.bytes = Buffer.allocUnsafeSlow(chunk.used);
  grown.copy(chunk.bytes, 0, 0, chunk.used);
  chunk.index = null;
  return grown;
}

function nameIndex(chunk: Chunk, name: string): number {
  // Nearly always the generation, whose text need not be hashed to be found.
  if (chunk.names[0] === name) return 0;
  const known = chunk.index?.get(name);
  if (known !== undefined) return known;
  // A text of its own: the one given may be a piece of a page of the log, which would be kept with it.
  const own = Buffer.from(name, 'utf8').toString('utf8');
  const next = chunk.names.push(own) - 1;
  chunk.index?.set(own, next);
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
  const tenant = bytes.readUInt16LE(start + TENANT_AT);
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
  if (packId(value, bytes, at + 1)) return bytes.writeUInt8(PACKED, at) + PACKED_BYTES;
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

/** Where the field after the one at `at` begins. */
function fieldEnd(bytes: Buffer, at: number): number {
  const kind = bytes[at];
  if (kind === ABSENT) return at + 1;
  return kind === PACKED ? at + 1 + PACKED_BYTES : at + 3 + bytes.readUInt16LE(at + 1);
}

const scratch = Buffer.allocUnsafeSlow(PACKED_BYTES);

function fieldIs(bytes: Buffer, at: number, value: string): boolean {
  const kind = bytes[at];
  if (kind === PACKED) {
    return packId(value, scratch, 0) && scratch.compare(bytes, at + 1, at + 1 + PACKED_BYTES) === 0;
  }
  return kind === TEXT && bytes.toString('utf8', at + 3, fieldEnd(bytes, at)) === value;
}
