-- How many rows of a kind clean-up has before it: counted where they are few, otherwise as the planner estimates, which
-- reads none of them.
--   p_kind, p_before_ms  as in clean
create or replace function sekisho.cleanup_left(p_kind text, p_before_ms bigint) returns bigint
  language plpgsql volatile
as $$
declare
  c_counted constant integer := 1000;
  v_rows   text := format(case p_kind
    when 'sessions' then 'sekisho.session where least(absolute_end_at, ended_at) < %L'
    when 'attempts' then 'sekisho.login_attempt where last_at < %L'
    when 'tickets' then 'sekisho.used_ticket where expires_at < %L'
    when 'resets' then 'sekisho.password_reset where expires_at < %L'
    when 'idempotencyKeys' then 'sekisho.idempotency_key where created_at < %L'
    -- By position, as clean goes.
    when 'entries' then '(select committed_at from sekisho.revocation order by position limit 1001) e where committed_at < %L'
    when 'operations' then 'sekisho.operation where decided_at < %L'
    when 'overrides' then 'sekisho.override where until_at < %L'
  end, sekisho.from_ms(p_before_ms));
  v_count  bigint;
  v_plan   json;
begin
  perform sekisho.take_role(null);
  execute format('select count(*) from (select from %s limit %s) r', v_rows, c_counted + 1) into v_count;
  if v_count <= c_counted then return v_count; end if;
  if p_kind = 'entries' then v_rows := format('sekisho.revocation where committed_at < %L', sekisho.from_ms(p_before_ms)); end if;
  execute 'explain (format json) select from ' || v_rows into v_plan;
  return greatest(v_count, (v_plan #>> '{0,Plan,Plan Rows}')::numeric::bigint);
end $$;
