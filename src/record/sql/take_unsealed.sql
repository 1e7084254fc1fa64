-- Rows to be sealed, for the one node that seals at present. By the record's own clock; work sharing only.
--   p_holder       null: somebody seals at once, whoever's turn it is
--   p_claim_ms     how long the claim holds unless it is renewed; it is renewed when half of it has passed
--   p_limit        most rows; the same for chains that wait for a signature
--   p_unsigned_ms  how long what was sealed may wait for a signature
--   p_except       tenants whose chains cannot be extended at present
-- Result: Taken (src/record/trail-contract.ts), its rows and chains as the record has them.
create or replace function sekisho.take_unsealed(
  p_holder text, p_claim_ms bigint, p_limit integer, p_unsigned_ms bigint, p_except text[]) returns jsonb
  language plpgsql volatile
as $$
declare
  c_counted constant integer := 10000;
  v_now      timestamptz := clock_timestamp();
  v_until    timestamptz := v_now + p_claim_ms * interval '1 millisecond';
  v_sealer   sekisho.audit_sealer;
  v_result   jsonb;
  v_rows     jsonb;
  v_more     boolean := false;
begin
  perform set_config('role', 'sekisho_system', true), sekisho.by_index();
  select jsonb_build_object('waiting', count(*), 'oldestMs', sekisho.to_ms(min(u.at))) into v_result
    from (select w.at from sekisho.audit_unsealed w limit c_counted) u;
  select * into strict v_sealer from sekisho.audit_sealer;
  if p_holder is not null and (
       v_sealer.holder is distinct from p_holder
       or v_sealer.claimed_until < v_now + p_claim_ms * interval '0.5 milliseconds') then
    update sekisho.audit_sealer set holder = p_holder, claimed_until = v_until
     where holder is null or holder = p_holder or claimed_until < v_now;
    if not found then
      return v_result || jsonb_build_object('kind', 'held', 'holder', v_sealer.holder);
    end if;
  end if;

  -- What waits of tenants that are passed over holds up none of the others.
  if not v_sealer.old_done and (
       select count(*) < p_limit from (
         select from sekisho.audit_unsealed u where u.tid <> all (p_except) limit p_limit) w) then
    perform sekisho.find_old_audit(p_limit);
    v_more := not (select s.old_done from sekisho.audit_sealer s);
  end if;
  -- Looked for among more than are taken: those that wait and were removed by other means hold nobody up.
  with waiting as materialized (
    select u.tid, u.id from sekisho.audit_unsealed u where u.tid <> all (p_except) limit 4 * p_limit)
  select coalesce(jsonb_agg(r.body), '[]') into v_rows
    from (
      select sekisho.audit_row(a) as body
        from waiting w
       cross join lateral (
         select o.* from sekisho.audit o
           where o.tid = w.tid and o.id = w.id
             -- Somebody has put a sealed row among those that wait. It would never fit, and hold its tenant up.
             and not exists (select 1 from sekisho.audit_seal s where s.tid = w.tid and s.id = w.id)
          offset 0) a
       limit p_limit) r;
  return v_result || jsonb_build_object(
    'kind', 'taken', 'rows', v_rows, 'more', v_more,
    'chains', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tid', c.tid, 'seq', c.seq, 'hash', encode(c.hash, 'hex'), 'signed_seq', c.signed_seq,
          'due', c.unsigned_since <= v_now - p_unsigned_ms * interval '1 millisecond')), '[]')
        from sekisho.audit_chain c
       where c.tid in (select distinct r ->> 'tid' from jsonb_array_elements(v_rows) r)
          or c.tid in (
            select d.tid from sekisho.audit_chain d
             where d.tid <> all (p_except)
               and d.unsigned_since <= v_now - p_unsigned_ms * interval '1 millisecond'
             order by d.unsigned_since limit p_limit)));
end $$;
