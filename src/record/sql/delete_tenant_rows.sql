-- Removes at most p_batch rows of a tenant that is being deleted, of one table; when none is left, the tenant's own, and
-- with it the slug. What the protocol keeps for ever stays (tenant_tables), so the ids can mean nothing else afterwards.
--   p_audit  NewAuditEvent[], written with the last row
-- Result: {kind, rows}: removed; done; not_found, where no such tenant is being deleted.
-- The tenant's lock keeps out whoever would add a row: they take it shared, and find a tenant that is not active.
create or replace function sekisho.delete_tenant_rows(p_tid text, p_batch integer, p_audit jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_table  text;
  v_rows   bigint;
begin
  perform sekisho.take_role(null), set_config('synchronous_commit', 'on', true);
  perform from sekisho.tenant t where t.tid = p_tid and t.status = 'deleting' for update;
  if not found then return jsonb_build_object('kind', 'not_found', 'rows', 0); end if;

  for v_table in select t from sekisho.tenant_tables() t loop
    execute format(
      'delete from sekisho.%1$I where ctid = any (array(select r.ctid from sekisho.%1$I r where r.tid = $1 limit $2))',
      v_table)
      using p_tid, p_batch;
    get diagnostics v_rows = row_count;
    if v_rows > 0 then return jsonb_build_object('kind', 'removed', 'rows', v_rows); end if;
  end loop;

  delete from sekisho.tenant t where t.tid = p_tid;
  perform sekisho.append_audit(p_audit);
  return jsonb_build_object('kind', 'done', 'rows', 1);
end $$;
