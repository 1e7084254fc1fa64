-- The members and the head, for operators. How long ago a heartbeat came is reckoned here, by the one clock that stamped it,
-- and for display only: the protocol compares no timestamps (MEMBERS).
-- Result: {head, members: [row with beat_age_ms]}.
create or replace function sekisho.watch_members() returns jsonb
  language plpgsql stable
as $$
begin
  perform sekisho.take_role(null);
  return (
    select jsonb_build_object(
        'head', jsonb_build_object('generation', h.generation, 'position', h.position),
        'members', (
          select coalesce(jsonb_agg(
              to_jsonb(m) || jsonb_build_object(
                'beat_age_ms', extract(epoch from clock_timestamp() - m.beat_at) * 1000)
              order by m.joined_at, m.id), '[]')
            from sekisho.member m))
      from sekisho.head h);
end $$;
