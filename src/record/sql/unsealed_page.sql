-- Looks through the rows of a tenant by id for those that are not sealed, or that are and are said to wait for it.
--   p_after  the id up to which was looked; null at first, since '' is an id, too
-- Result: {"last": the id up to which it looked, null at the end, "rows": [{id, waiting, sealed}]}; waiting: the sealer knows of it.
create or replace function sekisho.unsealed_page(p_tid text, p_after text, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index();
  return (
    with page as materialized (
      select a.id from sekisho.audit a where a.tid = p_tid and a.id >= coalesce(p_after, '') and a.id is distinct from p_after
       order by a.id limit p_limit)
    select jsonb_build_object(
        'last', case when count(*) = p_limit then max(p.id) end,
        'looked', count(*),
        'rows', coalesce(
          jsonb_agg(jsonb_build_object(
            'id', p.id, 'sealed', s.id is not null,
            'waiting', u.id is not null or coalesce(not z.old_done and (p_tid, p.id) > (z.old_tid, z.old_id), false)))
          filter (where s.id is null or u.id is not null), '[]'))
      from page p
      left join sekisho.audit_sealer z on true
      left join sekisho.audit_seal s on s.tid = p_tid and s.id = p.id
      left join sekisho.audit_unsealed u on u.tid = p_tid and u.id = p.id);
end $$;
