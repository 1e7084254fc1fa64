-- A member has taken in what operators decided, up to a version, and logs at a level (null: at one that is not ours to say).
-- What members left that are gone goes.
create or replace function sekisho.see_operations(p_member text, p_version bigint, p_log_level text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  insert into sekisho.operations_seen (member, version, log_level) values (p_member, p_version, p_log_level)
      on conflict (member) do update set version = excluded.version, log_level = excluded.log_level;
  delete from sekisho.operations_seen where member in (
    select n.member from sekisho.operations_seen n
     where n.member <> p_member and not exists (select from sekisho.member m where m.id = n.member)
     order by n.member for update of n skip locked);
end $$;
