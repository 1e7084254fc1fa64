-- The rule for login attempts, as AttemptStore in src/record/contract.ts states it; a property test holds them together.
--   p_times  the counted attempts of one bucket, in any order; those outside the window count for nothing
-- Result: one row.
--   counted         how many lie within the window
--   last_ms         the last of them, milliseconds since 1970; null when there is none
--   retry_after_ms  how long until an attempt passes if none is counted before; 0: now
--   remaining       how many more would pass at once after this one
--   reset_ms        how long until the window is empty
-- The earliest moment is found by trying, for each number of the oldest that may have left the window by then, the
-- later of their leaving and the end of the wait for those that are left.
create or replace function sekisho.judge_attempts(
  p_times timestamptz[], p_attempts integer, p_window_ms bigint, p_max_wait_ms bigint, p_now_ms bigint)
  returns table (counted integer, last_ms bigint, retry_after_ms bigint, remaining integer, reset_ms bigint)
  language sql immutable
as $$
  with inside as (
    select c.at_ms, count(*) over () - row_number() over (order by c.at_ms) as after_it
      from (select sekisho.to_ms(i) as at_ms from unnest(p_times) i) c
     where c.at_ms > p_now_ms - p_window_ms
  ), total as (
    select count(*)::integer as n, max(at_ms) as last_at from inside
  ), chances as (
    select n as still_counting, null::bigint as leaves_at from total
     union all
    select after_it, at_ms + p_window_ms from inside
  ), earliest as (
    select min(case
             when c.still_counting < p_attempts then coalesce(c.leaves_at, p_now_ms)
             -- greatest() takes no notice of a null.
             else greatest(c.leaves_at,
                    t.last_at + least(p_max_wait_ms, 1000 * (2 ^ least(c.still_counting - p_attempts, 40))::bigint))
           end) as at_ms
      from chances c cross join total t
  )
  select t.n, t.last_at, greatest(0, e.at_ms - p_now_ms), greatest(0, p_attempts - t.n - 1),
         coalesce(t.last_at + p_window_ms - p_now_ms, 0)
    from total t cross join earliest e
$$;
