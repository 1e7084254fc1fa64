-- Carries out what an operator decides for all nodes, under the system's role: an override put or ended, clean-up paused or
-- resumed. Two operators take turns at the row that is updated first.
--   c  an OperationChange (src/record/operations-contract.ts)
create or replace function sekisho.apply_operation(c jsonb, p_now timestamptz) returns void
  language plpgsql volatile
as $$
declare
  v_since timestamptz;
begin
  update sekisho.operations set version = version + 1;
  if c ->> 'kind' = 'cleanup_pause' then
    -- Whoever pauses what is paused already changes nothing: it stands still since the first of them, and by them.
    select w.paused_at into v_since from sekisho.sweep w where w.paused for update;
    perform sekisho.pause_sweep((c ->> 'paused')::boolean);
    update sekisho.sweep set paused_by = c ->> 'by', paused_at = p_now where paused and v_since is null;
    return;
  end if;
  -- What it takes the place of is over: up to now it counted.
  update sekisho.override o set until_at = p_now
   where o.kind = c ->> 'override' and o.node is not distinct from c ->> 'node'
     and (o.until_at is null or o.until_at > p_now);
  if c ->> 'kind' = 'override_put' then
    insert into sekisho.override (id, kind, node, value, set_by, begun_at, until_at)
    values (c ->> 'id', c ->> 'override', c ->> 'node', c -> 'value', c ->> 'by', p_now,
            sekisho.from_ms((c ->> 'untilMs')::bigint));
  end if;
end $$;
