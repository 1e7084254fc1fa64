-- Clean-up: removes at most p_batch rows of a kind that are older than p_before_ms, oldest first. Rows that somebody else
-- holds are left for the next run. Each batch goes on where the one before it ended, so that what was removed is not read
-- again and again (A3).
--   p_kind   sessions          ended, or past their absolute end; their used refresh tokens and reissues go with them
--            attempts          buckets of login attempts, by the last that was counted
--            tickets, resets   by their expiry
--            idempotencyKeys   by first use
--            entries           of the log, as far as no node takes them in any more (FORGET)
--            operations        what became of them
--            overrides         that have ended
--   p_after  where the batch before ended; null at first
-- Result: {removed, after}. Fewer than p_batch: there are no more.
create or replace function sekisho.clean(p_kind text, p_before_ms bigint, p_after text, p_batch integer) returns jsonb
  language plpgsql volatile
as $$
declare
  v_before  timestamptz := sekisho.from_ms(p_before_ms);
  v_from    timestamptz := case when p_kind = 'entries' then null else coalesce(p_after, '-infinity')::timestamptz end;
  v_result  jsonb;
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  case p_kind
  when 'sessions' then
    with gone as (
      delete from sekisho.session s
       where s.ctid = any (array(
         select e.ctid from sekisho.session e
          where least(e.absolute_end_at, e.ended_at) < v_before and least(e.absolute_end_at, e.ended_at) >= v_from
          order by least(e.absolute_end_at, e.ended_at)
          limit p_batch
            for update skip locked))
      returning s.tid, s.uid, s.sid, least(s.absolute_end_at, s.ended_at) as at
    ), superseded as (
      delete from sekisho.reissue r using gone g where r.tid = g.tid and r.uid = g.uid and r.sid = g.sid
    )
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'attempts' then
    with gone as (
      delete from sekisho.login_attempt a
       where a.ctid = any (array(
         select e.ctid from sekisho.login_attempt e
          where e.last_at < v_before and e.last_at >= v_from
          order by e.last_at limit p_batch for update skip locked))
      returning a.last_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'tickets' then
    with gone as (
      delete from sekisho.used_ticket u
       where u.ctid = any (array(
         select e.ctid from sekisho.used_ticket e
          where e.expires_at < v_before and e.expires_at >= v_from
          order by e.expires_at limit p_batch for update skip locked))
      returning u.expires_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'resets' then
    with gone as (
      delete from sekisho.password_reset r
       where r.ctid = any (array(
         select e.ctid from sekisho.password_reset e
          where e.expires_at < v_before and e.expires_at >= v_from
          order by e.expires_at limit p_batch for update skip locked))
      returning r.expires_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'idempotencyKeys' then
    with gone as (
      delete from sekisho.idempotency_key k
       where k.ctid = any (array(
         select e.ctid from sekisho.idempotency_key e
          where e.created_at < v_before and e.created_at >= v_from
          order by e.created_at limit p_batch for update skip locked))
      returning k.created_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'entries' then
    -- By position, which is by age: the first that is too young ends it, so that the rest of the log is not read.
    with gone as (
      delete from sekisho.revocation r
       where r.ctid = any (array(
         select w.ctid
           from (
             select e.ctid, e.position, e.committed_at from sekisho.revocation e
              where e.position > coalesce(p_after, '0')::bigint
              order by e.position limit p_batch
           ) w
          where w.committed_at < v_before and w.position <= (select h.horizon from sekisho.head h)))
      returning r.position)
    select jsonb_build_object('removed', count(*), 'after', max(g.position)) into v_result from gone g;

  when 'operations' then
    with gone as (
      delete from sekisho.operation o
       where o.ctid = any (array(
         select e.ctid from sekisho.operation e
          where e.decided_at < v_before and e.decided_at >= v_from
          order by e.decided_at limit p_batch for update skip locked))
      returning o.decided_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;

  when 'overrides' then
    -- A ceiling matters as long as a session of its time may live: longer than all others that anybody asks for here.
    with gone as (
      delete from sekisho.override v
       where v.ctid = any (array(
         select e.ctid from sekisho.override e
          where e.until_at < v_before and e.until_at >= v_from
          order by e.until_at limit p_batch for update skip locked))
      returning v.until_at as at)
    select jsonb_build_object('removed', count(*), 'after', max(g.at)) into v_result from gone g;
  end case;
  return v_result;
end $$;
