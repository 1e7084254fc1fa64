-- COMMIT and BATCH: administrative writes and revocations, judged and carried out one after the other in one transaction.
-- What one of them writes, those after it see.
--   p_requests  CommitRequest[] (src/record/contract.ts), fields named as there, hashes in hex, each with its tenant as
--               "tid" (null: operators' own)
-- Result: CommitOutcome[] in the same order, rows as the record has them (see log-store.ts).
create or replace function sekisho.commit(p_requests jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_head      jsonb;
  v_agrees    boolean;
  v_request   jsonb;
  v_outcomes  jsonb := '[]';
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  perform sekisho.commit_lock(p_requests);
  for n in 0 .. jsonb_array_length(p_requests) - 1 loop
    perform sekisho.begin_restored(p_requests -> n);
  end loop;

  -- GENERATION: nothing is written on a new history under an old name.
  select jsonb_build_object('generation', h.generation, 'position', h.position),
         h.identity = sekisho.server_identity()
    into strict v_head, v_agrees
    from sekisho.head h;
  if not v_agrees then
    return (
      select jsonb_agg(jsonb_build_object('kind', 'identity_changed', 'head', v_head))
        from jsonb_array_elements(p_requests));
  end if;

  for n in 0 .. jsonb_array_length(p_requests) - 1 loop
    v_request := p_requests -> n;
    v_outcomes := v_outcomes || jsonb_build_array(sekisho.commit_one(v_request));
  end loop;
  return v_outcomes;
end $$;
