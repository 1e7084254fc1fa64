import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Config } from '../../config.ts';
import { isSekishoError, SekishoError } from '../../errors.ts';
import { assertPassword } from '../../login/password-policy.ts';
import type { Operator } from '../../session/contract.ts';
import { parseEmail } from '../../tenant/email.ts';
import { parseSlug } from '../../tenant/slug.ts';
import type { ServeSettings } from '../settings.ts';

/** Bytes of randomness in a made password: 120 bit, 20 characters. */
const PASSWORD_BYTES = 15;

/** What the first start made; null when the record has a tenant already. */
export interface Bootstrapped {
  readonly slug: string;
  readonly email: string;
  /** Only when it was made here: to be printed once, and never logged. */
  readonly madePassword: string | null;
}

/**
 * Makes the first tenant and its administrator when the record has none; the record decides, under a lock.
 *
 * @throws SekishoError `invalid_configuration` that names the variable which is against a rule.
 */
export async function bootstrap(
  operator: Pick<Operator, 'bootstrap'>,
  { slug, adminEmail, adminPassword }: ServeSettings['bootstrap'],
): Promise<Bootstrapped | null> {
  const madePassword = adminPassword ?? randomBytes(PASSWORD_BYTES).toString('base64url');
  try {
    const made = await operator.bootstrap({ slug, adminEmail, adminPassword: madePassword });
    if (made === null) return null;
    return {
      slug: made.tenant.slug,
      email: made.admin.email,
      madePassword: adminPassword === null ? madePassword : null,
    };
  } catch (error) {
    throw namingVariable(error);
  }
}

/**
 * Checks the variables before anything is made. Only on a directory that is not there yet: later they mean nothing, and a
 * rule that has become stricter meanwhile must not stop a start.
 *
 * @throws SekishoError `invalid_configuration` that names the variable which is against a rule.
 */
export function checkBootstrap({ record }: Config, values: ServeSettings['bootstrap']): void {
  if (record.kind !== 'embedded' || existsSync(record.dataDir)) return;
  const { slug, adminEmail, adminPassword } = values;
  try {
    parseSlug(slug, '/slug');
    const email = parseEmail(adminEmail, '/admin_email');
    if (adminPassword !== null) {
      assertPassword(adminPassword, { tenant: slug, email }, '/admin_password');
    }
  } catch (error) {
    throw namingVariable(error);
  }
}

const VARIABLES: Readonly<Record<string, string>> = {
  '/slug': 'SEKISHO_BOOTSTRAP_TENANT',
  '/name': 'SEKISHO_BOOTSTRAP_TENANT',
  '/admin_email': 'SEKISHO_BOOTSTRAP_EMAIL',
  '/admin_password': 'SEKISHO_BOOTSTRAP_PASSWORD',
};

function namingVariable(error: unknown): unknown {
  if (!isSekishoError(error) || error.code !== 'validation_failed') return error;
  const [first] = error.errors ?? [];
  const variable = VARIABLES[first?.pointer ?? ''] ?? 'SEKISHO_BOOTSTRAP_*';
  return new SekishoError(
    'invalid_configuration',
    `${variable} ${first?.detail ?? error.message}.`,
  );
}
