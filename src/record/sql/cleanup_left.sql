-- How many rows of a kind clean-up has before it: counted where they are few, otherwise as the planner estimates, which
-- reads none of them.
--   p_kind, p_before_ms  as in clean
create or replace function sekisho.cleanup_left(p_kind text, p_before_ms bigint) returns bigint
  language plpgsql volatile
as $$
declare
  c_counted constant integer := 1000;
  v_kind   record;
  v_rows   text;
  v_few    text;
  v_count  bigint;
  v_plan   json;
begin
  perform sekisho.take_role(null);
  if p_kind = 'entries' then
    v_rows := format('sekisho.revocation where committed_at < %L', sekisho.from_ms(p_before_ms));
    -- By position, as clean goes.
    v_few := format('(select committed_at from sekisho.revocation order by position limit %s) e where committed_at < %L',
                    c_counted + 1, sekisho.from_ms(p_before_ms));
  else
    select * into v_kind from sekisho.cleanup_kind(p_kind);
    v_rows := format('sekisho.%I where %s < %L', v_kind.relation, v_kind.aged_by, sekisho.from_ms(p_before_ms));
    v_few := v_rows;
  end if;
  execute format('select count(*) from (select from %s limit %s) r', v_few, c_counted + 1) into v_count;
  if v_count <= c_counted then return v_count; end if;
  execute 'explain (format json) select from ' || v_rows into v_plan;
  return greatest(v_count, (v_plan #>> '{0,Plan,Plan Rows}')::numeric::bigint);
end $$;
