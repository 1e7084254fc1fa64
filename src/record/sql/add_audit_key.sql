-- Adds a key that signs checkpoints unless one becomes active at or after p_unless_active_since_ms. The table's lock makes
-- this exact when several nodes rotate at once.
-- Result: whether it was added.
create or replace function sekisho.add_audit_key(
  p_kid text, p_alg text, p_public_jwk jsonb, p_private_sealed bytea, p_active_from_ms bigint,
  p_unless_active_since_ms bigint) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  lock table sekisho.audit_key in share row exclusive mode;
  insert into sekisho.audit_key (kid, alg, public_jwk, private_sealed, active_from)
  select p_kid, p_alg, p_public_jwk, p_private_sealed, sekisho.from_ms(p_active_from_ms)
   where not exists (
     select from sekisho.audit_key k where k.active_from >= sekisho.from_ms(p_unless_active_since_ms));
  return found;
end $$;
