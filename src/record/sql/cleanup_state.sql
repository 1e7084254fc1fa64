-- How clean-up stands, for operators.
-- Result: CleanupState (src/record/cleanup-contract.ts).
create or replace function sekisho.cleanup_state() returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select jsonb_build_object(
        'run', o.run, 'holder', case when o.claimed_until > clock_timestamp() then o.holder end,
        'begunAtMs', sekisho.to_ms(o.begun_at), 'finishedAtMs', sekisho.to_ms(o.finished_at),
        'progress', coalesce(o.progress, '{}'))
      from sekisho.operations o);
end $$;
