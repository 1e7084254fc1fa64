-- Rows of a tenant, oldest first, with their seals and the hashes that these follow. What is being pruned is not among them.
--   p_actor, p_action, p_from, p_to   null: any
--   p_after_us, p_after_id            the last row that was read; null at first
-- Result: [{row, seq, hash, personal, salt, previous}], in order; seq null: not sealed yet.
create or replace function sekisho.export_page(
  p_tid text, p_actor text, p_action text, p_from timestamptz, p_to timestamptz,
  p_after_us bigint, p_after_id text, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
declare
  v_from   timestamptz := coalesce(p_from, '-infinity');
  v_to     timestamptz := coalesce(p_to, 'infinity');
  v_after  timestamptz := case when p_after_us is null then '-infinity'
                               else 'epoch'::timestamptz + p_after_us * interval '1 microsecond' end;
  v_base   bigint;
  v_hash   bytea;
begin
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index();
  select c.base_seq, c.base_hash into v_base, v_hash from sekisho.audit_chain c where c.tid = p_tid;
  return (
    with page as materialized (
      select o as a, o.at, o.id from sekisho.audit o
       where o.tid = p_tid and o.at >= v_from and o.at < v_to
         and (o.at, o.id) > (v_after, coalesce(p_after_id, ''))
         and (p_actor is null or o.actor_uid = p_actor)
         and (p_action is null or o.action = p_action)
         and not exists (
           select 1 from sekisho.audit_seal g where g.tid = p_tid and g.id = o.id and g.seq <= v_base)
       order by o.at, o.id
       limit p_limit),
    -- The number before is reckoned here: row security lets no subtraction into the search of an index.
    sealed as materialized (
      select p.*, s.seq, s.seq - 1 as before, s.hash, s.personal, s.salt
        from page p left join sekisho.audit_seal s on s.tid = p_tid and s.id = p.id)
    select coalesce(jsonb_agg(jsonb_build_object(
        'row', sekisho.audit_row(r.a), 'seq', r.seq, 'hash', encode(r.hash, 'hex'),
        'personal', encode(r.personal, 'hex'), 'salt', encode(r.salt, 'hex'),
        'previous', encode(case when r.before = v_base then v_hash else b.hash end, 'hex'))
        order by r.at, r.id), '[]')
      from sealed r
      left join sekisho.audit_seal b on b.tid = p_tid and b.seq = r.before);
end $$;
