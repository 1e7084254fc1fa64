-- Tenants that there are, and others of which the record has anything that belongs to a trail: whoever removes one part of it
-- leaves the others. From key to key, since a tenant has many rows in most of them.
--   p_after  the last tid of the page before; null at first
-- Result: [tid], in order, p_limit at most; '' is the operators' own.
create or replace function sekisho.trail_tenants(p_after text, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
declare
  v_last  text := coalesce(p_after, '');
  v_tids  text[] := '{}';
begin
  perform set_config('role', 'sekisho_system', true), sekisho.by_index();
  if p_after is null and (sekisho.trail_state('') ->> 'known')::boolean then
    v_tids := array[''];
  end if;
  while cardinality(v_tids) < p_limit loop
    select min(n.tid) into v_last from (
      (select t.tid from sekisho.tenant t where t.tid > v_last order by t.tid limit 1)
      union all (select c.tid from sekisho.audit_chain c where c.tid > v_last order by c.tid limit 1)
      union all (select s.tid from sekisho.audit_seal s where s.tid > v_last order by s.tid limit 1)
      union all (select a.tid from sekisho.audit a where a.tid > v_last order by a.tid limit 1)
      union all (select k.tid from sekisho.audit_checkpoint k where k.tid > v_last order by k.tid limit 1)
      union all (select u.tid from sekisho.audit_unsealed u where u.tid > v_last order by u.tid limit 1)) n;
    exit when v_last is null;
    v_tids := v_tids || v_last;
  end loop;
  return to_jsonb(v_tids);
end $$;
