import type { z } from 'zod';
import { type FieldError, pointerTo, SekishoError } from '../errors.ts';
import { unfitStrings } from './json.ts';

/**
 * Judges `value` by `schema`; unknown fields are errors (ASVS 15.3.3). No message quotes a value: it may be a password.
 *
 * @throws SekishoError `validation_failed` with one `{pointer, detail}` for each thing that is wrong.
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.infer<Schema> {
  const unfit = unfitStrings(value, MAX_ERRORS);
  const parsed = schema.safeParse(value);
  if (parsed.success && unfit.length === 0) return parsed.data;
  const issues = parsed.error?.issues ?? [];
  const errors = [...issues.flatMap((issue) => toFieldErrors(issue, value)), ...unfit];
  throw new SekishoError('validation_failed', 'Some fields are not what they should be.', {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

/** Most errors of one answer: nobody gets an answer much longer than what they sent (A7). */
const MAX_ERRORS = 20;

function toFieldErrors(issue: z.core.$ZodIssue, value: unknown): readonly FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_ERRORS).map((key) => ({
      pointer: pointerTo([...issue.path, key]),
      detail: 'is not a known field',
    }));
  }
  const detail = isMissing(issue.path, value) ? 'is required' : lowerFirst(issue.message);
  return [{ pointer: pointerTo(issue.path), detail }];
}

/** Whether nothing stands where `path` leads, whatever the schema would take there. */
function isMissing(path: readonly PropertyKey[], value: unknown): boolean {
  const found = path.reduce<unknown>(
    (within, key) =>
      typeof within === 'object' && within !== null && Object.hasOwn(within, key)
        ? Reflect.get(within, key)
        : undefined,
    value,
  );
  return path.length > 0 && found === undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
