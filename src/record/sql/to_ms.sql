-- Milliseconds since 1970, as TypeScript counts them.
create or replace function sekisho.to_ms(p_at timestamptz) returns bigint
  language sql immutable parallel safe
  as $$ select (extract(epoch from p_at at time zone 'UTC') * 1000)::bigint $$;
