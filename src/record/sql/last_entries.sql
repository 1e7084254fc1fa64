-- The last entry of each of a tenant's operations that the log still has: for a page of the log, one call for all of it. The
-- n-th entry after the first is named '<id>.<n>' and is never there without those before it.
--   p_ids  names of entries
-- Result: {operation id: RawEntry}
create or replace function sekisho.last_entries(p_tid text, p_ids text[]) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(p_tid), set_config('jit', 'off', true);
  return (
    with recursive walk(id, n) as (
      select split_part(i, '.', 1), max(coalesce(nullif(split_part(i, '.', 2), '')::integer, 0))
        from unnest(p_ids) i
       group by 1
      union all
      select w.id, w.n + 1
        from walk w
        join sekisho.revocation r on r.operation_id = w.id || '.' || (w.n + 1) and r.tid = p_tid
    ), last(id, name) as (
      select w.id, w.id || case when max(w.n) = 0 then '' else '.' || max(w.n) end from walk w group by w.id
    )
    select coalesce(jsonb_object_agg(l.id, to_jsonb(r)), '{}')
      from last l
      join sekisho.revocation r on r.operation_id = l.name and r.tid = p_tid);
end $$;
