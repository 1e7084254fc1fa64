-- MEMBERS: the node leaves (p_beat null), or somebody who has watched it for longer than its term removes it, only if its
-- beat still is the one that was watched. Result: whether a row went.
create or replace function sekisho.remove_member(p_id text, p_beat bigint) returns boolean
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  delete from sekisho.member where id = p_id and beat = coalesce(p_beat, beat);
  return found;
end $$;
