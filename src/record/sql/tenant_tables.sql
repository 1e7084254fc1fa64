-- The tables whose rows go with their tenant: all that have its id but those of which the protocol or the audit trail
-- keeps every row. Read from the catalogue, so that a table of a later release is not forgotten, nor by an older node.
-- Those that point at others come first: what they point at would take them along, however many they are.
create or replace function sekisho.tenant_tables() returns setof text
  language sql stable
as $$
  select c.relname::text
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tid' and not a.attisdropped
   where c.relnamespace = 'sekisho'::regnamespace
     and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname not in ('tenant', 'floor', 'reissue', 'revocation', 'operation')
     and c.relname not like 'audit%'
   order by not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'), c.relname
$$;
