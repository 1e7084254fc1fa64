-- Retires a signing key as retire_signing_key does, with the audit rows of it in the same transaction.
--   p_audit  NewAuditEvent[], written where there is such a key
create or replace function sekisho.end_key(p_kid text, p_at_ms bigint, p_audit jsonb) returns void
  language plpgsql volatile
as $$
begin
  perform sekisho.retire_signing_key(p_kid, p_at_ms);
  if exists (select from sekisho.signing_key k where k.kid = p_kid) then
    perform sekisho.append_audit(p_audit);
  end if;
end $$;
