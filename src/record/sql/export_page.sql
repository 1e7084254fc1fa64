-- Rows of a tenant, oldest first, with their seals and the hashes that these follow. What is being pruned is not among them.
-- Whatever is asked for, at most p_look rows are looked at: a filter that fits few of them goes on from where this look ended,
-- and the record serves others in between.
--   p_actor, p_action, p_from, p_to   null: any
--   p_after_us, p_after_id            the last row that was read, or looked at; null at first
-- Result: {"rows": [{row, seq, hash, personal, salt, previous}], "at_us", "id"}, in order; seq null: not sealed yet; the last
-- row that was looked at, at_us null at the end.
create or replace function sekisho.export_page(
  p_tid text, p_actor text, p_action text, p_from timestamptz, p_to timestamptz,
  p_after_us bigint, p_after_id text, p_limit integer, p_look integer) returns jsonb
  language plpgsql volatile
as $$
declare
  -- Rows of ours have a time with four digits of the year: so has every place at which a page ends.
  v_from    timestamptz := greatest(p_from, '0001-01-01T00:00:00Z');
  v_to      timestamptz := least(p_to, '10000-01-01T00:00:00Z');
  v_after   timestamptz := case when p_after_us is null then '-infinity'
                                else 'epoch'::timestamptz + p_after_us * interval '1 microsecond' end;
  v_look    integer := case when p_actor is null and p_action is null then p_limit else greatest(p_limit, p_look) end;
  v_base    bigint;
  v_hash    bytea;
  v_result  jsonb;
begin
  -- By the index that has them in this order, whatever the planner makes of a table that it has not analysed yet.
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index(), set_config('enable_sort', 'off', true);
  select c.base_seq, c.base_hash into v_base, v_hash from sekisho.audit_chain c where c.tid = p_tid;
  with looked as materialized (
    select o as a, o.at, o.id,
           (p_actor is null or o.actor_uid = p_actor) and (p_action is null or o.action = p_action) as fits
      from sekisho.audit o
     -- Said twice: where both bounds are given, the search of the index begins at one of a single column.
     where o.tid = p_tid and o.at >= v_from and o.at < v_to and o.at >= v_after
       and (o.at, o.id) > (v_after, coalesce(p_after_id, ''))
     order by o.at, o.id
     limit v_look),
  page as materialized (
    select l.* from looked l
     where l.fits
       and not exists (
         select 1 from sekisho.audit_seal g where g.tid = p_tid and g.id = l.id and g.seq <= v_base)
     order by l.at, l.id
     limit p_limit),
  -- The number before is reckoned here: row security lets no subtraction into the search of an index.
  sealed as materialized (
    select p.*, s.seq, s.seq - 1 as before, s.hash, s.personal, s.salt
      from page p left join sekisho.audit_seal s on s.tid = p_tid and s.id = p.id),
  -- Behind the last row of a full page, otherwise behind everything that was looked at.
  ended as (
    (select p.at, p.id from page p where (select count(*) from page) = p_limit order by p.at desc, p.id desc limit 1)
    union all
    (select l.at, l.id from looked l
      where (select count(*) from looked) = v_look and (select count(*) from page) < p_limit
      order by l.at desc, l.id desc limit 1))
  select jsonb_build_object(
      'rows', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'row', sekisho.audit_row(r.a), 'seq', r.seq, 'hash', encode(r.hash, 'hex'),
            'personal', encode(r.personal, 'hex'), 'salt', encode(r.salt, 'hex'),
            'previous', encode(case when r.before = v_base then v_hash else b.hash end, 'hex'))
            order by r.at, r.id), '[]')
          from sealed r
          left join sekisho.audit_seal b on b.tid = p_tid and b.seq = r.before),
      'at_us', (select (extract(epoch from e.at) * 1000000)::bigint from ended e),
      'id', (select e.id from ended e))
    into v_result;
  return v_result;
end $$;
