-- FOLLOW: the whole log that the record keeps for nodes (above the horizon), with head, horizon and lineage, by one statement.
-- Result: HistoryCheck with {horizon, entries, lineage}.
create or replace function sekisho.snapshot_log() returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select sekisho.history() || jsonb_build_object(
        'horizon', h.horizon,
        'lineage', sekisho.lineage_of(h.generation),
        'entries', (
          select coalesce(jsonb_agg(to_jsonb(r) order by r.position), '[]')
            from sekisho.revocation r where r.position > h.horizon))
      from sekisho.head h);
end $$;
