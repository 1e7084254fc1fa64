-- Counts a login attempt before the password is looked at, so that parallel guesses are counted exactly (ASVS 6.3.1).
--   p_tid      the tenant, or 'unknown'
--   p_buckets  AttemptBucket[]: all must pass, or nothing is counted
-- Result: ReserveOutcome. A refusal is found first without any lock or write: a flood of refused tries makes no rows and
-- waits for nobody. What passes there is judged again under the locks of its rows, which are taken in one order.
create or replace function sekisho.reserve_attempt(p_tid text, p_buckets jsonb, p_attempt_id text, p_now_ms bigint)
  returns jsonb
  language plpgsql volatile
as $$
declare
  v_now      timestamptz := sekisho.from_ms(p_now_ms);
  v_verdict  jsonb;
  v_bucket   record;
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  v_verdict := sekisho.judge_buckets(p_tid, p_buckets, p_now_ms);
  if v_verdict ->> 'kind' = 'limited' then return v_verdict; end if;

  for v_bucket in
    select b ->> 'kind' as kind, b ->> 'key' as key from jsonb_array_elements(p_buckets) b order by 1, 2
  loop
    loop
      perform from sekisho.login_attempt a
        where a.tid = p_tid and a.kind = v_bucket.kind and a.key = v_bucket.key for update;
      exit when found;
      insert into sekisho.login_attempt (tid, kind, key, ids, times, last_at)
      values (p_tid, v_bucket.kind, v_bucket.key, '{}', '{}', v_now)
          on conflict do nothing;
    end loop;
  end loop;

  v_verdict := sekisho.judge_buckets(p_tid, p_buckets, p_now_ms);
  if v_verdict ->> 'kind' = 'limited' then return v_verdict; end if;
  update sekisho.login_attempt a
     set (ids, times, last_at) = (
           -- Attempts outside the window will never count again.
           select coalesce(array_agg(i.id), '{}') || p_attempt_id, coalesce(array_agg(i.at), '{}') || v_now,
                  greatest(max(i.at), v_now)
             from unnest(a.ids, a.times) as i (id, at)
            where i.at > v_now - b."windowMs" * interval '1 millisecond')
    from jsonb_to_recordset(p_buckets) as b (kind text, key text, "windowMs" bigint)
   where a.tid = p_tid and a.kind = b.kind and a.key = b.key;
  return v_verdict;
end $$;
