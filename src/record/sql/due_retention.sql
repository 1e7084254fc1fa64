-- Chains of which something may be older than it should be, and how long it is kept.
--   p_after  the last tid that was looked at; null at first
-- Result: [{tid, auditDays, personalDays}], by tid; days null: for ever.
create or replace function sekisho.due_retention(p_after text, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('jit', 'off', true);
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'tid', d.tid, 'auditDays', d.audit_days, 'personalDays', d.personal_days) order by d.tid), '[]')
      from (
        select c.tid, r.audit_days, r.personal_days
          from sekisho.audit_chain c
          join sekisho.audit_retention r
            on r.tid = case when exists (select 1 from sekisho.audit_retention o where o.tid = c.tid)
                         then c.tid else '*' end
         where (p_after is null or c.tid > p_after) and (r.audit_days is not null or r.personal_days is not null)
         order by c.tid
         limit p_limit) d);
end $$;
