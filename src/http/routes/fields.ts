import { z } from 'zod';
import { MAX_EMAIL_LENGTH, normaliseEmail } from '../../tenant/email.ts';
import { normaliseName } from '../../tenant/name.ts';
import { MAX_ROLES, ROLE_PATTERN } from '../../tenant/role.ts';

/** Fields that several bodies have. */

/** Longest password that is looked at, in characters; hashing longer ones would be work for nothing (A7). */
const MAX_PASSWORD_INPUT = 1024;

export const passwordField = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_PASSWORD_INPUT)
  .meta({ examples: ['correct horse battery staple'] });

export const newPasswordField = passwordField.describe(
  'At least 8 characters, none of the common ones; no rules on which kinds of characters.',
);

/** At login: what is no address belongs to nobody, and is answered like one that nobody has. */
export const anyEmailField = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_EMAIL_LENGTH)
  .meta({ examples: ['yuki@acme.example'] });

export const emailField = anyEmailField.refine(
  (value) => normaliseEmail(value) !== null,
  'must be an e-mail address: one @, no spaces',
);

export const nameField = z
  .string()
  .refine((value) => normaliseName(value) !== null, {
    error: 'must be at most 200 characters, none of them a control character',
  })
  .meta({ examples: ['Yuki Mori'] });

export const rolesField = z
  .array(z.string().regex(ROLE_PATTERN, 'must be 1 to 64 of a-z, 0-9, _, :, . and -'))
  .min(1)
  .max(MAX_ROLES)
  .describe('`admin` and `member` are built in; others are your own words.')
  .meta({ examples: [['member']] });

export const reasonField = z
  .string()
  .max(500)
  .optional()
  .describe('For people; stands in the revocation log and the audit trail.')
  .meta({ examples: ['laptop stolen'] });
