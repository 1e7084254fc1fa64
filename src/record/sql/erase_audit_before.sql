-- Retention: erases the personal data of at most p_batch rows of a tenant that are older than p_before_ms.
-- Result: how many it erased; fewer than p_batch: it is done.
create or replace function sekisho.erase_audit_before(p_tid text, p_before_ms bigint, p_batch integer) returns integer
  language plpgsql volatile
as $$
declare
  v_before  timestamptz := sekisho.from_ms(p_before_ms);
  v_last    timestamptz;
  v_ids     text[];
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true), sekisho.by_index();
  select array_agg(p.id), max(p.at) into v_ids, v_last
    from (
      select a.id, a.at from sekisho.audit a
       where a.tid = p_tid and a.at < v_before
         and a.at >= coalesce((select c.erased_through from sekisho.audit_chain c where c.tid = p_tid), '-infinity')
         and (a.ip is not null or a.user_agent is not null or a.detail ? 'email')
         and exists (select 1 from sekisho.audit_seal s where s.tid = p_tid and s.id = a.id)
       order by a.at, a.id
       limit p_batch) p;
  if coalesce(array_length(v_ids, 1), 0) > 0 then
    perform sekisho.erase_audit(p_tid, v_ids);
  end if;
  -- Rows of that time which are still to be sealed keep the mark where it is.
  if not exists (
    select 1 from sekisho.audit_unsealed u where u.tid = p_tid and u.at < v_before) then
    update sekisho.audit_chain c
       set erased_through = case when coalesce(array_length(v_ids, 1), 0) < p_batch then v_before else v_last end
     where c.tid = p_tid
       -- Not moved for nothing at every look.
       and (v_ids is not null or c.erased_through < v_before - interval '1 day');
  end if;
  return coalesce(array_length(v_ids, 1), 0);
end $$;
