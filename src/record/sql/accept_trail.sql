-- Notes that the chain of a tenant is to be gone on with as it stands, and writes the audit rows of that.
--   p_seq, p_hash  where the chain stands
--   p_token        what a key says of it
--   p_audit        NewAuditEvent[]
-- Result: false, and nothing done, where it stands elsewhere.
create or replace function sekisho.accept_trail(
  p_tid text, p_seq bigint, p_hash bytea, p_token text, p_audit jsonb) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.audit_chain c set accepted_token = p_token where c.tid = p_tid and c.seq = p_seq and c.hash = p_hash;
  if not found then return false; end if;
  perform sekisho.append_audit(p_audit);
  return true;
end $$;
