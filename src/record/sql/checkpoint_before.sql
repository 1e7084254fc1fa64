-- The newest signed checkpoint of a tenant that covers nothing sealed at p_before_ms or later, with what the chain has there:
-- one of those that are kept for every hour, or the newest of all, so that a trail that grows no more can go to its end.
-- Result: {"seq", "hash", "token"}; null when there is none.
create or replace function sekisho.checkpoint_before(p_tid text, p_before_ms bigint) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true);
  return (
    select jsonb_build_object('seq', n.seq, 'hash', encode(n.hash, 'hex'), 'token', n.token)
      from (
        (select s.seq, s.hash, k.token
           from sekisho.audit_checkpoint k
           join sekisho.audit_seal s on s.tid = k.tid and s.seq = k.seq
          where k.tid = p_tid and k.signed_at < sekisho.from_ms(p_before_ms)
          order by k.seq desc limit 1)
        union all
        select s.seq, s.hash, c.signed_token
          from sekisho.audit_chain c
          join sekisho.audit_seal s on s.tid = c.tid and s.seq = c.signed_seq
         where c.tid = p_tid and s.sealed_at < sekisho.from_ms(p_before_ms)) n
     order by n.seq desc limit 1);
end $$;
