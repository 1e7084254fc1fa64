-- FOLLOW: what a snapshot of the log is of: head, horizon and lineage of one moment. Its entries are fetched in pages.
-- Result: HistoryCheck with {horizon, lineage}.
create or replace function sekisho.snapshot_log() returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select sekisho.history() || jsonb_build_object(
        'horizon', h.horizon,
        'lineage', sekisho.lineage_of(h.generation))
      from sekisho.head h);
end $$;
