-- From p_at_ms on the key signs no more checkpoints; it goes on verifying those it signed. The first retirement holds.
create or replace function sekisho.retire_audit_key(p_kid text, p_at_ms bigint) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.audit_key k set retired_at = sekisho.from_ms(p_at_ms) where k.kid = p_kid and k.retired_at is null;
end $$;
