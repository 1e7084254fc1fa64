-- Clean-up: removes at most p_batch rows of a kind that are older than p_before_ms, oldest first. Rows that somebody else
-- holds are left for the next run. Each batch goes on where the one before it ended, so that what was removed is not read
-- again and again (A3).
--   p_kind   as in cleanup_kind, or entries: of the log, as far as no node takes them in any more (FORGET)
--   p_after  where the batch before ended; null at first
-- Result: {removed, after}. Fewer than p_batch: there are no more.
create or replace function sekisho.clean(p_kind text, p_before_ms bigint, p_after text, p_batch integer) returns jsonb
  language plpgsql volatile
as $$
declare
  v_before  timestamptz := sekisho.from_ms(p_before_ms);
  v_from    timestamptz := case when p_kind <> 'entries' then coalesce(p_after, '-infinity')::timestamptz end;
  v_kind    record;
  v_result  jsonb;
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);

  if p_kind = 'sessions' then
    -- In plain words, since there are many and a plan that is kept is cheaper. Their reissues go with them, and their used
    -- refresh tokens by themselves.
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

  elsif p_kind = 'entries' then
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

  else
    select * into v_kind from sekisho.cleanup_kind(p_kind);
    execute format($q$
        with gone as (
          delete from sekisho.%1$I
           where ctid = any (array(
             select ctid from sekisho.%1$I
              where %2$s < $1 and %2$s >= $2
              order by %2$s limit $3 for update skip locked))
          returning %2$s as at)
        select jsonb_build_object('removed', count(*), 'after', max(at)) from gone
      $q$, v_kind.relation, v_kind.aged_by)
      using v_before, v_from, p_batch
       into v_result;
  end if;
  return v_result;
end $$;
