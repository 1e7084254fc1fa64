-- FOLLOW: entries after a position, in order, with head and horizon of the same moment.
-- Result: HistoryCheck with {entries, horizon}.
create or replace function sekisho.fetch_log(p_after bigint, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select sekisho.history() || jsonb_build_object(
        'horizon', h.horizon,
        'entries', (
          select coalesce(jsonb_agg(to_jsonb(r) order by r.position), '[]')
            from (select * from sekisho.revocation where position > p_after order by position limit p_limit) r))
      from sekisho.head h);
end $$;
