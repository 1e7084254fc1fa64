import { SekishoError } from '../errors.ts';

/** `not_found`: what was named is not there, or is another tenant's, which nobody is told apart (ASVS 8.4.1). */
export function noSuch(
  what: 'tenant' | 'user' | 'session' | 'revocation' | 'service client' | 'signing key',
): SekishoError {
  return new SekishoError('not_found', `There is no such ${what}.`);
}
