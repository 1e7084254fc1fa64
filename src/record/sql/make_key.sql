-- Adds a signing key as add_signing_key does, with the audit rows of it in the same transaction.
--   p_audit  NewAuditEvent[], written where the key was added
-- Result: whether it was added.
create or replace function sekisho.make_key(
  p_kid text, p_purpose text, p_alg text, p_public_jwk jsonb, p_private_sealed bytea,
  p_active_from_ms bigint, p_retired_at_ms bigint, p_unless_active_since_ms bigint, p_audit jsonb) returns boolean
  language plpgsql volatile
as $$
begin
  if not sekisho.add_signing_key(
    p_kid, p_purpose, p_alg, p_public_jwk, p_private_sealed, p_active_from_ms, p_retired_at_ms, p_unless_active_since_ms) then
    return false;
  end if;
  perform sekisho.append_audit(p_audit);
  return true;
end $$;
