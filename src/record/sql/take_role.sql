-- Takes the role of a tenant for what follows in this transaction; of the system when the tenant is null.
create or replace function sekisho.take_role(p_tid text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', case when p_tid is null then 'sekisho_system' else 'sekisho_tenant' end, true),
          set_config('sekisho.tid', coalesce(p_tid, ''), true);
end $$;
