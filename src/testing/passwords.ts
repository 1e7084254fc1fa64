import { createHash, randomBytes } from 'node:crypto';
import { ARGON2, type PasswordHasher } from '../login/password.ts';

/**
 * Passwords as they are in tests: looked at like real ones, and without the 50 ms that a guesser should spend on each. What
 * is stored has the form of an argon2id hash of the present cost, so that nothing takes it for one to be renewed; it is a
 * salted SHA-256.
 */
export function createTestHasher(): PasswordHasher {
  const { memoryKiB, passes, lanes } = ARGON2;
  const head = `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$`;
  const digest = (salt: string, password: string): string =>
    createHash('sha256')
      .update(`${salt}\n${password.normalize('NFC')}`)
      .digest('base64url');
  return Object.freeze({
    async hash(password: string) {
      const salt = randomBytes(16).toString('base64url');
      return `${head}${salt}$${digest(salt, password)}`;
    },
    async verify(hash: string, password: string) {
      const [salt = '', sum] = hash.slice(head.length).split('$');
      return hash.startsWith(head) && sum === digest(salt, password);
    },
    verifyAgainstNothing: async () => false as const,
  });
}
