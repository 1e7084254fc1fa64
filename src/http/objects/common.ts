import { z } from 'zod';

/** What the objects of the API are made of, and what every answer may hold. */

export const id = z.string().meta({ examples: ['hQ2mZ7xW0rTn5bJ8cK1vYA'] });

export const time = z.iso.datetime().meta({ examples: ['2026-11-21T11:10:00.000Z'] });

export const count = z.int().min(0);

/** RFC 3339, UTC. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

export const timeOrNull = (ms: number | null) => (ms === null ? null : timeOf(ms));

/** Milliseconds, to a tenth: more of them says nothing. */
export function tenths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().describe('A stable word; switch on it.'),
    errors: z
      .array(z.strictObject({ pointer: z.string(), detail: z.string() }))
      .optional()
      .describe('With `validation_failed`: JSON Pointers (RFC 6901) to what is wrong.'),
    id: z.string().optional().describe('With `outcome_unknown`: the revocation to ask for later.'),
  })
  .meta({ id: 'Problem' });

/** `{<plural>: [...], next_cursor}` */
export function listSchema<Name extends string, Item extends z.ZodType>(name: Name, item: Item) {
  return z.strictObject({
    [name]: z.array(item),
    next_cursor: z.string().nullable().describe('Of the next page; null on the last one.'),
  });
}
