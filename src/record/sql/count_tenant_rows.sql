-- How many rows delete_tenant_rows would remove. Of each table p_most rows are counted at most, since counting is work,
-- too; null when one has more.
create or replace function sekisho.count_tenant_rows(p_tid text, p_most integer) returns bigint
  language plpgsql volatile
as $$
declare
  v_table  text;
  v_some   bigint;
  v_all    bigint := 0;
begin
  perform sekisho.take_role(null);
  for v_table in select t from sekisho.tenant_tables() t loop
    execute format('select count(*) from (select from sekisho.%I where tid = $1 limit $2) i', v_table)
       into v_some using p_tid, p_most + 1;
    if v_some > p_most then return null; end if;
    v_all := v_all + v_some;
  end loop;
  return v_all;
end $$;
