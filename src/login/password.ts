import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import { SekishoError } from '../errors.ts';

/**
 * Cost of argon2id (RFC 9106; OWASP's minimum): 19 MiB, two passes, one lane. A stored hash with less is made anew at the
 * next login.
 */
export const ARGON2 = Object.freeze({ memoryKiB: 19_456, passes: 2, lanes: 1 });

/** Argon2id in @node-rs/argon2, whose enum cannot be imported as a value. */
const ARGON2ID = 2;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const PHC = /^\$argon2id\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$/;

export interface PasswordHasherOptions {
  /** Computations at a time; default: one a core, at most 3, so that one of libuv's four threads is left for others. */
  readonly parallel?: number;
  /** How many more may wait; above that a call is refused at once. Default 64 (some two seconds of work). */
  readonly queue?: number;
}

/** Hashes and checks passwords. Passwords are normalised to NFC first (NIST SP 800-63B-4 section 3.1.1.2). */
export interface PasswordHasher {
  /** A new hash in PHC form with a salt of 128 bit. @throws SekishoError `too_many_attempts` when the queue is full. */
  hash(password: string): Promise<string>;
  /** @throws SekishoError `too_many_attempts` when the queue is full, `internal` when `hash` is no hash. */
  verify(hash: string, password: string): Promise<boolean>;
  /** Does the same work for a user who does not exist or has no password; always false (ASVS 6.3.8). */
  verifyAgainstNothing(password: string): Promise<false>;
}

/**
 * Makes a hasher. Parallel logins queue for `parallel` places, since each computation takes 19 MiB and a thread; when the
 * queue is full, a call is refused with `too_many_attempts` and a retry after one second, so that a flood of logins takes
 * neither the memory nor the threads of everything else.
 */
export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const limited = createPlaces(
    options.parallel ?? Math.min(availableParallelism(), 3),
    options.queue ?? 64,
  );
  const nobody = makeUnmatchable();
  const cost = {
    algorithm: ARGON2ID,
    memoryCost: ARGON2.memoryKiB,
    timeCost: ARGON2.passes,
    parallelism: ARGON2.lanes,
    outputLen: HASH_BYTES,
  };
  return Object.freeze({
    hash: (password: string) => limited(() => argon2Hash(password.normalize('NFC'), cost)),
    verify: (hash: string, password: string) =>
      limited(async () => {
        try {
          return await argon2Verify(hash, password.normalize('NFC'));
        } catch {
          // A row that holds no hash is a defect, not a wrong password. The cause may quote the hash: it is left out.
          throw new SekishoError('internal', 'A stored password hash cannot be read.');
        }
      }),
    verifyAgainstNothing: async (password: string) => {
      await limited(() => argon2Verify(nobody, password.normalize('NFC')));
      return false as const;
    },
  });
}

/** Whether a stored hash was made with less than the present cost, and should be made anew from the password at hand. */
export function needsRehash(hash: string): boolean {
  const [, version, memory, passes] = PHC.exec(hash) ?? [];
  return (
    Number(version) !== 19 ||
    !(Number(memory) >= ARGON2.memoryKiB) ||
    !(Number(passes) >= ARGON2.passes)
  );
}

/** A well-formed hash of the present cost that no password has: its output is random. */
function makeUnmatchable(): string {
  const base64 = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  const { memoryKiB, passes, lanes } = ARGON2;
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(SALT_BYTES)}$${base64(HASH_BYTES)}`;
}

/** Runs at most `places` at a time, in order; refuses when `queue` are waiting already. */
function createPlaces(places: number, queue: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) {
      free -= 1;
    } else if (waiting.length < queue) {
      // Whoever leaves hands over its place without giving it back first.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      throw new SekishoError(
        'too_many_attempts',
        'Too many passwords are being checked at this moment.',
        {
          retryAfterSeconds: 1,
        },
      );
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) {
        free += 1;
      } else {
        next();
      }
    }
  };
}
