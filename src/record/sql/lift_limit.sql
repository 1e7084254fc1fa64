-- Forgets the counted attempts of one account, those by its known devices included, and writes p_events with it.
-- Result: false when there were none.
create or replace function sekisho.lift_limit(p_tid text, p_account text, p_events jsonb) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  -- 'account' before 'device', as everywhere.
  perform from sekisho.login_attempt a
    where a.tid = p_tid
      and (a.kind = 'account' and a.key = p_account or a.kind = 'device' and starts_with(a.key, p_account || ' '))
    order by a.kind, a.key for update;
  delete from sekisho.login_attempt a
   where a.tid = p_tid
     and (a.kind = 'account' and a.key = p_account or a.kind = 'device' and starts_with(a.key, p_account || ' '));
  if not found then return false; end if;
  perform sekisho.append_audit(p_events);
  return true;
end $$;
