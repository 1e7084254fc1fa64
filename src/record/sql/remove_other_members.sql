-- FIRST TERM, embedded: the holder of the directory's lock knows that nobody else answers.
create or replace function sekisho.remove_other_members(p_id text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  delete from sekisho.member where id <> p_id;
end $$;
