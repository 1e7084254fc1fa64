-- What the chains of tenants have at given places, for whoever remembers what they had there.
--   p_places  [{tid, seq}]
-- Result: [{tid, seq, hash, headSeq, headHash, baseSeq, baseHash, baseToken, acceptedToken}] in the same order, hashes in hex; hash: that of the
-- seal, or of where verification begins; null where there is neither. headSeq null: there is no chain.
create or replace function sekisho.trail_places(p_places jsonb) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), sekisho.by_index();
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'tid', p.tid, 'seq', p.seq,
        'hash', encode(coalesce(s.hash, case when c.base_seq = p.seq then c.base_hash end), 'hex'),
        'headSeq', c.seq, 'headHash', encode(c.hash, 'hex'),
        'baseSeq', coalesce(c.base_seq, 0), 'baseHash', encode(c.base_hash, 'hex'), 'baseToken', c.base_token,
        'acceptedToken', c.accepted_token)
        order by p.place), '[]')
      from rows from (jsonb_to_recordset(p_places) as (tid text, seq bigint)) with ordinality p (tid, seq, place)
      left join sekisho.audit_chain c on c.tid = p.tid
      left join sekisho.audit_seal s on s.tid = p.tid and s.seq = p.seq);
end $$;
