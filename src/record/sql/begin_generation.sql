-- GENERATION: begins a new one under the head's lock, if the head still is of the one that the caller knows, and the
-- server's identity still differs there (or the caller has seen more of that generation than the head has: p_force).
--   p_expected  the generation that the caller knows
--   p_id        id of the new one, unused until now
-- Result: the head afterwards, {generation, position}.
create or replace function sekisho.begin_generation(p_expected text, p_id text, p_force boolean) returns jsonb
  language plpgsql volatile
as $$
declare
  v_head  sekisho.head;
begin
  perform set_config('synchronous_commit', 'on', true), sekisho.take_role(null);
  select * into strict v_head from sekisho.head for no key update;
  if v_head.generation = p_expected and (p_force or v_head.identity <> sekisho.server_identity()) then
    insert into sekisho.generation (id, parent, parent_end, begun_at)
    values (p_id, v_head.generation, v_head.position, clock_timestamp());
    update sekisho.head set generation = p_id, identity = sekisho.server_identity()
      returning * into strict v_head;
  end if;
  return jsonb_build_object('generation', v_head.generation, 'position', v_head.position);
end $$;
