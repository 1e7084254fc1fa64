-- From p_at_ms on the key signs no more. Of several retirements the earliest holds.
create or replace function sekisho.retire_signing_key(p_kid text, p_at_ms bigint) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.signing_key k set retired_at = least(k.retired_at, sekisho.from_ms(p_at_ms)) where k.kid = p_kid;
end $$;
