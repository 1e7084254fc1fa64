-- The instant that TypeScript counts as so many milliseconds since 1970.
create or replace function sekisho.from_ms(p_ms bigint) returns timestamptz
  language sql immutable parallel safe
  as $$ select to_timestamp(p_ms / 1000.0) $$;
