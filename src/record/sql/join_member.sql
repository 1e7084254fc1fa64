-- MEMBERS, first step: the node's row. Its lease and tolerance are fixed for its life.
--   p_release  version of the package that the node runs; null: a release that does not say
-- Result: HistoryCheck with recordTimeMs (WALL TIME).
create or replace function sekisho.join_member(
  p_id text, p_lease_ms integer, p_tolerance_ms integer, p_version integer, p_address text,
  p_release text default null) returns jsonb
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  insert into sekisho.member (id, lease_ms, tolerance_ms, version, address, joined_at)
  values (p_id, p_lease_ms, p_tolerance_ms, p_version, p_address, clock_timestamp());
  if p_release is not null then
    insert into sekisho.member_release values (p_id, p_release);
  end if;
  -- Two that join at once may both find a row to clear up; neither waits for the other.
  delete from sekisho.member_release where member in (
    select r.member from sekisho.member_release r
      where not exists (select from sekisho.member m where m.id = r.member)
      order by r.member for update of r skip locked);
  return sekisho.history() || jsonb_build_object('recordTimeMs', sekisho.record_time());
end $$;
