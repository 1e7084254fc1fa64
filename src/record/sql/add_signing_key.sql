-- Adds a signing key unless one of its purpose becomes active at or after p_unless_active_since_ms. The table's lock
-- makes this exact when several nodes rotate at once.
-- Result: whether it was added.
create or replace function sekisho.add_signing_key(
  p_kid text, p_purpose text, p_alg text, p_public_jwk jsonb, p_private_sealed bytea,
  p_active_from_ms bigint, p_retired_at_ms bigint, p_unless_active_since_ms bigint) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  lock table sekisho.signing_key in share row exclusive mode;
  insert into sekisho.signing_key (kid, purpose, alg, public_jwk, private_sealed, active_from, retired_at)
  select p_kid, p_purpose, p_alg, p_public_jwk, p_private_sealed,
         sekisho.from_ms(p_active_from_ms), sekisho.from_ms(p_retired_at_ms)
   where not exists (
     select from sekisho.signing_key k
      where k.purpose = p_purpose and k.active_from >= sekisho.from_ms(p_unless_active_since_ms));
  return found;
end $$;
