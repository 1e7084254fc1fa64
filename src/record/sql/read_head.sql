-- The head of the log. Result: HistoryCheck with recordTimeMs.
create or replace function sekisho.read_head() returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return sekisho.history() || jsonb_build_object('recordTimeMs', sekisho.record_time());
end $$;
