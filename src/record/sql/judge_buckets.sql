-- Judges the buckets of one attempt together. STABLE: by the snapshot of the statement that calls it.
--   p_buckets  AttemptBucket[] (src/record/contract.ts)
-- Result: a ReserveOutcome. Of several buckets that refuse, the one with the longest wait is named; of several that
-- pass, the one with the least left.
create or replace function sekisho.judge_buckets(p_tid text, p_buckets jsonb, p_now_ms bigint) returns jsonb
  language sql stable
as $$
  select case
           when v.retry_after_ms > 0 then jsonb_build_object(
             'kind', 'limited', 'bucket', v.kind, 'retryAfterMs', v.retry_after_ms, 'resetMs', v.reset_ms)
           else jsonb_build_object('kind', 'reserved', 'remaining', v.remaining, 'resetMs', v.reset_ms)
         end
    from (
      select b.kind, j.*
        from jsonb_to_recordset(p_buckets)
               as b (kind text, key text, attempts integer, "windowMs" bigint, "maxWaitMs" bigint)
        left join sekisho.login_attempt a on a.tid = p_tid and a.kind = b.kind and a.key = b.key
       cross join lateral sekisho.judge_attempts(a.times, b.attempts, b."windowMs", b."maxWaitMs", p_now_ms) j
       order by j.retry_after_ms desc, j.remaining, j.reset_ms desc
       limit 1
    ) v
$$;
