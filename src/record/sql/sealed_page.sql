-- Sealed rows of a tenant in the order of its chain, with what the trail holds of them now.
-- Result: [{seq, id, hash, personal, salt, sealedAtMs, row, old}], row null when it is gone; old: it was recorded before trails
-- were sealed, and sealed while rows of before were looked for, or soon after.
create or replace function sekisho.sealed_page(p_tid text, p_after bigint, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
declare
  -- 2^53 - 1: no number of a chain of ours is beyond what TypeScript can tell apart. sekisho.trail_state() has the highest.
  c_most constant bigint := 9007199254740991;
  v_sealer  sekisho.audit_sealer;
begin
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index();
  -- Nobody can say any more what is old where it is gone; whoever verifies says that.
  select * into v_sealer from sekisho.audit_sealer;
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'seq', p.seq, 'id', p.id, 'hash', encode(p.hash, 'hex'), 'personal', encode(p.personal, 'hex'),
        'salt', encode(p.salt, 'hex'), 'sealedAtMs', sekisho.to_ms(p.sealed_at),
        'old', coalesce(
          a.at < v_sealer.begun_at
            and p.sealed_at <= case when v_sealer.old_done then v_sealer.old_done_at else 'infinity' end + interval '10 minutes', false),
        'row', case when a.id is not null then sekisho.audit_row(a) end) order by p.seq), '[]')
      from (
        select s.* from sekisho.audit_seal s
         where s.tid = p_tid and s.seq > p_after and s.seq <= c_most order by s.seq limit p_limit) p
      left join sekisho.audit a on a.tid = p_tid and a.id = p.id);
end $$;
