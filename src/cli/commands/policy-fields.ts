import { z } from 'zod';
import { policySchema } from '../../tenant/policy.ts';
import type { Policy } from '../../tenant/types.ts';
import { secondsOf, spanWords, UsageError } from '../command.ts';
import { nearest } from '../suggest.ts';

const { login_limit, ...plain } = policySchema.shape;

/** Every field of a policy by the name under which `--set` takes it, such as `login_limit.max_wait`. */
const FIELDS: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ...Object.entries(plain),
  ...Object.entries(login_limit.shape).map(([name, schema]): [string, z.ZodType] => [
    `login_limit.${name}`,
    schema,
  ]),
]);

/** Those that are time spans; the record keeps seconds. */
const SPAN = /_(ttl|timeout|grace|window|wait)$/;

/**
 * Reads `FIELD=VALUE`, several times: time spans as everywhere (`5m`, or bare seconds), counts, words.
 *
 * @throws UsageError that names the field and says what it may be.
 */
export function policyFieldsOf(given: readonly string[]): Record<string, number | string> {
  if (given.length === 0) throw new UsageError('--set FIELD=VALUE is missing');
  return Object.fromEntries(given.map(fieldOf));
}

function fieldOf(one: string): readonly [string, number | string] {
  const [, name, text] = /^([^=]+)=(.+)$/.exec(one) ?? [];
  if (name === undefined || text === undefined) {
    throw new UsageError(`--set must be FIELD=VALUE, not ${one}`);
  }
  const schema = FIELDS.get(name);
  if (schema === undefined) throw unknown(name);
  const isSpan = SPAN.test(name);
  const number = isSpan ? secondsOf(text) : /^\d{1,9}$/.test(text) ? Number(text) : null;
  const value = number ?? text;
  if (schema.safeParse(value).success) return [name, value];
  throw new UsageError(`--set ${name} must be ${boundsOf(schema, isSpan)}, not ${text}`);
}

function unknown(name: string): UsageError {
  const names = [...FIELDS.keys()];
  const meant = nearest(name, names);
  return new UsageError(
    meant === null
      ? `--set: a policy has no field ${name}; it has ${names.join(', ')}`
      : `--set: a policy has no field ${name} (did you mean ${meant}?)`,
  );
}

function boundsOf(schema: z.ZodType, isSpan: boolean): string {
  if (schema instanceof z.ZodEnum) return schema.options.join(' or ');
  const { minValue, maxValue } = schema as z.ZodNumber;
  const words = isSpan ? spanWords : String;
  return `${words(minValue ?? 0)} to ${words(maxValue ?? Number.MAX_SAFE_INTEGER)}`;
}

/** Which lifetimes of sessions become shorter, in words; null: none, and nobody is logged out by it. */
export function shortened(
  before: Policy,
  next: Readonly<Record<string, number | string>> | Policy,
): string | null {
  const fields = (['idle_timeout', 'absolute_timeout'] as const).flatMap((name) => {
    const value = (next as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'number' && value < before[name]
      ? [`${name} ${spanWords(value)} instead of ${spanWords(before[name])}`]
      : [];
  });
  return fields.length === 0 ? null : fields.join(' and ');
}
