-- A signed checkpoint of a tenant that covers nothing sealed at p_before_ms or later, with what the chain has there: the newest of
-- those that are kept for every hour, or the newest of all, so that a trail that grows no more can go to its end.
--   p_below  only one of a lower number; null: any. Whoever finds that one says something else than its row goes on below it
-- Result: {"seq", "hash", "token", "hourly"}; null when there is none. When an hourly one was signed its token says, too: whoever
-- may insert a checkpoint must not have all that came before it pruned by saying that it is old. Of the newest one, which may have
-- been said again by a newer key, the rows do: none of this trail says that it is later, but by the minutes that clocks differ (and none of a time to come says anything).
create or replace function sekisho.checkpoint_below(p_tid text, p_before_ms bigint, p_below bigint) returns jsonb
  language plpgsql volatile
as $$
declare
  v_before  timestamptz := sekisho.from_ms(p_before_ms);
begin
  perform set_config('role', 'sekisho_system', true), sekisho.by_index();
  return (
    select jsonb_build_object('seq', n.seq, 'hash', encode(n.hash, 'hex'), 'token', n.token, 'hourly', n.hourly)
      from (
        (select s.seq, s.hash, k.token, true as hourly
           from sekisho.audit_checkpoint k
           join sekisho.audit_seal s on s.tid = k.tid and s.seq = k.seq
          where k.tid = p_tid and k.signed_at < v_before and (p_below is null or k.seq < p_below)
          order by k.seq desc limit 1)
        union all
        select s.seq, s.hash, c.signed_token, false
          from sekisho.audit_chain c
          join sekisho.audit_seal s on s.tid = c.tid and s.seq = c.signed_seq
         where c.tid = p_tid and s.sealed_at < v_before and (p_below is null or s.seq < p_below)
           and not exists (
             select 1 from sekisho.audit a
              where a.tid = p_tid and a.at >= v_before + interval '10 minutes' and a.at < clock_timestamp() + interval '10 minutes')) n
     order by n.seq desc, n.hourly limit 1);
end $$;
