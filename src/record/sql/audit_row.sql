-- A row of the trail as its seal covers it: times in whole microseconds, so that none of them can be changed unseen.
-- Result: TrailRow's columns (src/record/trail.ts).
create or replace function sekisho.audit_row(p_row sekisho.audit) returns jsonb
  language sql stable parallel safe
as $$
  select to_jsonb(p_row) - 'at' || jsonb_build_object('at_us', (extract(epoch from p_row.at) * 1000000)::bigint)
$$;
