-- Rows of a tenant, newest first. What is being pruned is not among them: verification begins behind it. Whatever is asked for, at most p_look rows are looked at: a filter that fits few of them goes
-- on from where this look ended, and the record serves others in between.
--   p_actor, p_action, p_from, p_to   null: any
--   p_before_us, p_before_id          the last row that was read, or looked at; null at first
-- Result: {"rows", "at_us", "id"}: TrailRow's columns, in order; the last row that was looked at, at_us null at the end.
create or replace function sekisho.list_audit(
  p_tid text, p_actor text, p_action text, p_from timestamptz, p_to timestamptz,
  p_before_us bigint, p_before_id text, p_limit integer, p_look integer) returns jsonb
  language plpgsql volatile
as $$
declare
  -- Rows of ours have a time with four digits of the year: so has every place at which a page ends.
  v_from    timestamptz := greatest(p_from, '0001-01-01T00:00:00Z');
  v_to      timestamptz := least(p_to, '10000-01-01T00:00:00Z');
  v_before  timestamptz := case when p_before_us is null then 'infinity'
                                else 'epoch'::timestamptz + p_before_us * interval '1 microsecond' end;
  v_look    integer := case when p_actor is null and p_action is null then p_limit else greatest(p_limit, p_look) end;
  v_base    bigint;
  v_result  jsonb;
begin
  -- By the index that has them in this order, whatever the planner makes of a table that it has not analysed yet.
  perform sekisho.take_role(nullif(p_tid, '')), set_config('enable_sort', 'off', true), set_config('jit', 'off', true);
  select c.base_seq into v_base from sekisho.audit_chain c where c.tid = p_tid;
  with looked as materialized (
    select o as a, o.at, o.id,
           (p_actor is null or o.actor_uid = p_actor) and (p_action is null or o.action = p_action) as fits
      from sekisho.audit o
     -- Said twice: where both bounds are given, the search of the index begins at one of a single column.
     where o.tid = p_tid and o.at >= v_from and o.at < v_to and o.at <= v_before
       and (o.at, o.id) < (v_before, coalesce(p_before_id, ''))
     order by o.at desc, o.id desc
     limit v_look),
  page as materialized (
    select l.* from looked l
     where l.fits
       and not exists (
         select 1 from sekisho.audit_seal g where g.tid = p_tid and g.id = l.id and g.seq <= v_base)
     order by l.at desc, l.id desc
     limit p_limit),
  -- Behind the last row of a full page, otherwise behind everything that was looked at.
  ended as (
    (select p.at, p.id from page p where (select count(*) from page) = p_limit order by p.at, p.id limit 1)
    union all
    (select l.at, l.id from looked l
      where (select count(*) from looked) = v_look and (select count(*) from page) < p_limit
      order by l.at, l.id limit 1))
  select jsonb_build_object(
      'rows', (
        select coalesce(jsonb_agg(sekisho.audit_row(p.a) order by p.at desc, p.id desc), '[]') from page p),
      'at_us', (select (extract(epoch from e.at) * 1000000)::bigint from ended e),
      'id', (select e.id from ended e))
    into v_result;
  return v_result;
end $$;
