-- The newest kept checkpoint of a tenant that was signed before p_before_ms, with what the chain has there.
-- Result: {"seq", "hash", "token"}; null when there is none.
create or replace function sekisho.checkpoint_before(p_tid text, p_before_ms bigint) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true);
  return (
    select jsonb_build_object('seq', k.seq, 'hash', encode(s.hash, 'hex'), 'token', k.token)
      from sekisho.audit_checkpoint k
      join sekisho.audit_seal s on s.tid = k.tid and s.seq = k.seq
     where k.tid = p_tid and k.signed_at < sekisho.from_ms(p_before_ms)
     order by k.seq desc limit 1);
end $$;
