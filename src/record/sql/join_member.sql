-- MEMBERS, first step: the node's row. Its lease and tolerance are fixed for its life.
-- Result: HistoryCheck with recordTimeMs (WALL TIME).
create or replace function sekisho.join_member(
  p_id text, p_lease_ms integer, p_tolerance_ms integer, p_version integer, p_address text) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  insert into sekisho.member (id, lease_ms, tolerance_ms, version, address, joined_at)
  values (p_id, p_lease_ms, p_tolerance_ms, p_version, p_address, clock_timestamp());
  return sekisho.history() || jsonb_build_object('recordTimeMs', sekisho.record_time());
end $$;
