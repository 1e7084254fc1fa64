-- When a session counts as seen for the last time, given what was lost: at each loss, whoever was not idle by what had
-- been swept before may have been seen until then, and nobody can tell. One that had already grown idle stays so.
--   p_lost_through, p_lost_at  the losses, oldest first (sekisho.sweep)
create or replace function sekisho.presumed_seen(
  p_seen timestamptz, p_idle interval, p_lost_through timestamptz[], p_lost_at timestamptz[]) returns timestamptz
  language plpgsql immutable parallel safe
as $$
begin
  for n in 1 .. coalesce(cardinality(p_lost_at), 0) loop
    if p_seen < p_lost_at[n] and p_seen + p_idle >= p_lost_through[n] then
      p_seen := p_lost_at[n];
    end if;
  end loop;
  return p_seen;
end $$;
