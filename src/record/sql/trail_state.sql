-- How the chain of a tenant stands, for whoever verifies, prunes or follows it.
-- Result: TrailState (src/record/trail-contract.ts), hashes in hex.
create or replace function sekisho.trail_state(p_tid text) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index();
  return (
    select jsonb_build_object(
        'tid', p_tid,
        'seq', coalesce(c.seq, 0), 'hash', encode(c.hash, 'hex'),
        'signedToken', c.signed_token, 'signedSeq', coalesce(c.signed_seq, 0),
        'unsignedSinceMs', sekisho.to_ms(c.unsigned_since), 'nowMs', sekisho.to_ms(clock_timestamp()),
        'sealing', (select coalesce(z.claimed_until > clock_timestamp(), false) from sekisho.audit_sealer z),
        'begunAtMs', (select sekisho.to_ms(z.begun_at) from sekisho.audit_sealer z),
        'known', c.tid is not null
          or exists (select 1 from sekisho.audit_seal s where s.tid = p_tid)
          or exists (select 1 from sekisho.audit a where a.tid = p_tid)
          or exists (select 1 from sekisho.audit_checkpoint k where k.tid = p_tid)
          or exists (select 1 from sekisho.audit_unsealed u where u.tid = p_tid),
        'chained', c.tid is not null,
        'baseSeq', coalesce(c.base_seq, 0), 'baseHash', encode(c.base_hash, 'hex'), 'baseToken', c.base_token,
        'acceptedToken', c.accepted_token,
        'firstSeal', (select min(s.seq) from sekisho.audit_seal s where s.tid = p_tid),
        'lastSeal', (select max(s.seq) from sekisho.audit_seal s where s.tid = p_tid),
        'waiting', (
          select count(*) from (select 1 from sekisho.audit_unsealed u where u.tid = p_tid limit 10000) u),
        -- Rows that wait to be sealed and are not there any more.
        'lost', (
          select coalesce(jsonb_agg(l.id), '[]') from (
            select u.id from sekisho.audit_unsealed u
             where u.tid = p_tid
               and not exists (select 1 from sekisho.audit a where a.tid = p_tid and a.id = u.id)
             limit 100) l))
      from (select 1) one left join sekisho.audit_chain c on c.tid = p_tid);
end $$;
