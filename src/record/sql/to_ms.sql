-- Milliseconds since 1970, as TypeScript counts them; a time that it does not have is the first or the last one that it has, so
-- that no row that somebody has put in can make reading fail.
create or replace function sekisho.to_ms(p_at timestamptz) returns bigint
  language sql immutable parallel safe
  as $$
  -- No time stays none: least and greatest pass over a null.
  select case when p_at is not null then
           least(greatest(extract(epoch from p_at at time zone 'UTC') * 1000, -8640000000000000), 8640000000000000)::bigint
         end $$;
