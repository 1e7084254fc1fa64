-- A row of the trail as its seal covers it: times in whole microseconds, so that none of them can be changed unseen. Whoever may
-- insert rows could put in one that nobody can read, and so keep all others from being sealed, listed and verified. So there is
-- no such row here: a time that is none is the first or the last of those with four digits of the year, and of details that are
-- not flat (nothing of ours is) their digest stands there.
-- Result: TrailRow's columns (src/record/trail.ts).
create or replace function sekisho.audit_row(p_row sekisho.audit) returns jsonb
  language sql stable parallel safe
as $$
  select to_jsonb(p_row) - 'at' || jsonb_build_object(
    'at_us', least(greatest(extract(epoch from p_row.at) * 1000000, -62135596800000000), 253402300799999999)::bigint,
    'detail', case
      when jsonb_typeof(p_row.detail) = 'object'
        and not jsonb_path_exists(p_row.detail, 'strict $.* ? (@.type() == "object" || @.type() == "array")')
      then p_row.detail
      else jsonb_build_object('unreadable_sha256', encode(sha256(convert_to(p_row.detail::text, 'UTF8')), 'hex')) end)
$$;
