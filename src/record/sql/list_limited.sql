-- Accounts of a tenant that would have to wait, the last to try first.
--   p_rule                 LoginLimit of the tenant's policy (seconds)
--   p_cursor_ms, p_cursor  last attempt and account of the last row seen; null for the first page
-- Result: LimitedAccount[].
create or replace function sekisho.list_limited(
  p_tid text, p_rule jsonb, p_now_ms bigint, p_cursor_ms bigint, p_cursor text, p_limit integer)
  returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true);
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'email', l.key, 'attempts', l.counted, 'lastAttemptAtMs', l.last_ms,
             'retryAtMs', p_now_ms + l.retry_after_ms) order by l.last_ms desc, l.key desc), '[]')
      from (
        select a.key, j.counted, j.last_ms, j.retry_after_ms
          from sekisho.login_attempt a
         cross join lateral sekisho.judge_attempts(
                 a.times, (p_rule ->> 'account_attempts')::integer,
                 (p_rule ->> 'account_window')::bigint * 1000, (p_rule ->> 'max_wait')::bigint * 1000, p_now_ms) j
         where a.tid = p_tid and a.kind = 'account' and j.retry_after_ms > 0
           and (p_cursor_ms is null or (j.last_ms, a.key) < (p_cursor_ms, p_cursor))
         order by j.last_ms desc, a.key desc
         limit p_limit
      ) l);
end $$;
