import { SekishoError } from '../errors.ts';

/** Built in; others are the application's own words. */
export const ADMIN_ROLE = 'admin';
export const MEMBER_ROLE = 'member';

/** 1 to 64 of `a-z 0-9 _ : . -`. */
export const ROLE_PATTERN = /^[a-z0-9_:.-]{1,64}$/;

/** Most roles of one user; with the longest names, an access token still fits a cookie. */
export const MAX_ROLES = 32;

/** Whether `value` has the shape of a role's name. */
export function isRole(value: unknown): value is string {
  return typeof value === 'string' && ROLE_PATTERN.test(value);
}

/**
 * A user's roles in their one form: no duplicates, sorted, frozen.
 *
 * @throws SekishoError `validation_failed`, with a pointer to the item, unless there are 1 to 32 well-formed ones.
 */
export function parseRoles(values: readonly string[], pointer = '/roles'): readonly string[] {
  const errors = values.flatMap((value, index) =>
    isRole(value)
      ? []
      : [{ pointer: `${pointer}/${index}`, detail: 'must be 1 to 64 of a-z, 0-9, _, :, . and -' }],
  );
  const roles = [...new Set(values)].sort();
  if (roles.length === 0 || roles.length > MAX_ROLES) {
    errors.push({ pointer, detail: `must have 1 to ${MAX_ROLES} roles` });
  }
  if (errors.length > 0) {
    throw new SekishoError('validation_failed', 'The roles are not valid.', { errors });
  }
  return Object.freeze(roles);
}
