-- A node that stops sealing lets another one begin at once.
create or replace function sekisho.release_sealer(p_holder text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'off', true);
  update sekisho.audit_sealer set holder = null, claimed_until = null where holder = p_holder;
end $$;
