-- FIRST TERM: whoever has waited it out marks a generation as settled; then nobody waits any more.
create or replace function sekisho.settle_generation(p_id text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  update sekisho.generation set settled = true where id = p_id and not settled;
end $$;
