-- What operators have decided for all tenants, as far as it is in force at a time; null for nothing.
create or replace function sekisho.override_at(p_kind text, p_now timestamptz) returns jsonb
  language sql stable parallel safe
as $$
  select o.value from sekisho.override o
   where o.kind = p_kind and o.until_at > p_now
   order by o.begun_at desc, o.id limit 1
$$;
