import type { JsonSchema } from './json-schema.ts';

/** Looks into the schemas of an OpenAPI document, for its page. */

export type Schemas = Readonly<Record<string, JsonSchema>>;

/** The name of the component that a schema points to, or null. */
export function referenceOf(schema: JsonSchema): string | null {
  return schema.$ref?.replace('#/components/schemas/', '') ?? null;
}

export function resolve(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const name = referenceOf(schema);
  return name === null ? schema : (schemas[name] ?? {});
}

/** A type in a few words: `string`, `User`, `list of Session`, `integer, 0 to 30000`. */
export function typeOf(schema: JsonSchema): string {
  const name = referenceOf(schema);
  if (name !== null) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  const plain = [schema.type ?? 'any'].flat();
  const format = schema.format === 'date-time' ? ', RFC 3339' : '';
  return plain.join(' or ') + format + boundsOf(schema);
}

function boundsOf(schema: JsonSchema): string {
  const { minimum, maximum, minLength, maxLength } = schema;
  const isReal = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  if (isReal(minimum) && isReal(maximum)) return `, ${minimum} to ${maximum}`;
  if (isReal(maximum)) return `, at most ${maximum}`;
  if (maxLength !== undefined) return `, ${minLength ?? 0} to ${maxLength} characters`;
  return '';
}

/** Which members an example has: what is required, or also what has an example of its own. */
export type Extent = 'required' | 'telling';

/** A value that the schema accepts, made of its examples. */
export function exampleOf(schema: JsonSchema, schemas: Schemas, extent: Extent): unknown {
  const [example] = schema.examples ?? [];
  if (example !== undefined) return example;
  if (schema.$ref !== undefined) return exampleOf(resolve(schema, schemas), schemas, extent);
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf?.[0] !== undefined) return exampleOf(schema.anyOf[0], schemas, extent);
  if (schema.items !== undefined) return [exampleOf(schema.items, schemas, extent)];
  if (schema.properties !== undefined) {
    const required = new Set(schema.required);
    return Object.fromEntries(
      Object.entries(schema.properties)
        .filter(
          ([name, member]) =>
            required.has(name) || (extent === 'telling' && member.examples !== undefined),
        )
        .map(([name, member]) => [name, exampleOf(member, schemas, extent)]),
    );
  }
  const [type] = [schema.type ?? 'object'].flat();
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return false;
  if (type === 'string') return '…';
  return {};
}
