-- LINEAGE of the head. Result: HistoryCheck with {lineage}.
create or replace function sekisho.read_lineage() returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select sekisho.history() || jsonb_build_object('lineage', sekisho.lineage_of(h.generation))
      from sekisho.head h);
end $$;
