import { SekishoError } from '../errors.ts';

/**
 * This part of the package opens sessions without a password and stores passwords that anybody can guess by computing.
 *
 * @throws SekishoError `invalid_configuration` where NODE_ENV says that people rely on this process.
 */
export function refuseProduction(): void {
  if (process.env.NODE_ENV !== 'production') return;
  throw new SekishoError(
    'invalid_configuration',
    'sekisho/testing is for tests: it must not be loaded with NODE_ENV=production.',
  );
}
