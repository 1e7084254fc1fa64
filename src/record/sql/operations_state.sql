-- What operators have decided, as far as it is in force, and who has taken it in: read by every node every few seconds.
--   p_now_ms  wall time of the caller
-- Result: OperationsState (src/record/operations-contract.ts).
create or replace function sekisho.operations_state(p_now_ms bigint) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select jsonb_build_object(
        'version', o.version,
        'pause', (select jsonb_build_object('by', w.paused_by, 'atMs', sekisho.to_ms(w.paused_at))
                    from sekisho.sweep w where w.paused),
        'overrides', (
          select coalesce(jsonb_agg(jsonb_build_object(
                   'id', v.id, 'kind', v.kind, 'node', v.node, 'value', v.value, 'by', v.set_by,
                   'begunAtMs', sekisho.to_ms(v.begun_at), 'untilMs', sekisho.to_ms(v.until_at))
                   order by v.begun_at, v.id), '[]')
            from sekisho.override v
           where v.until_at is null or v.until_at > sekisho.from_ms(p_now_ms)),
        'seen', (
          select coalesce(jsonb_object_agg(n.member, jsonb_build_object('version', n.version, 'logLevel', n.log_level)), '{}')
            from sekisho.operations_seen n))
      from sekisho.operations o);
end $$;
