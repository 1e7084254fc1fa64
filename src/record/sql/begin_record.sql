-- The first generation of a record, settled from the start, and its head. Nothing when there is a head already.
--   p_generation  id of the generation, unused until now
create or replace function sekisho.begin_record(p_generation text) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  if exists (select from sekisho.head) then return; end if;
  perform pg_advisory_xact_lock(6181214, 2);
  if exists (select from sekisho.head) then return; end if;
  insert into sekisho.generation (id, settled, begun_at) values (p_generation, true, clock_timestamp());
  insert into sekisho.head (position, generation, identity) values (0, p_generation, sekisho.server_identity());
end $$;
