-- COMMIT and BATCH: administrative writes and revocations, judged and carried out one after the other in one transaction.
-- What one of them writes, those after it see; but the audit trail and the head, which nothing here asks, are written once
-- for all of them: a row of the head for each entry would be read through by every statement that looks for the last.
--   p_requests  CommitRequest[] (src/record/contract.ts), fields named as there, hashes in hex, each with its tenant as
--               "tid" (null: operators' own)
-- Result: CommitOutcome[] in the same order, rows as the record has them (see log-store.ts).
create or replace function sekisho.commit(p_requests jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_requests    jsonb[];
  v_request     jsonb;
  v_generation  text;
  v_position    bigint;
  v_written     bigint;
  v_agrees      boolean;
  v_outcome     jsonb;
  v_outcomes    jsonb[] := '{}';
  v_audit       jsonb[] := '{}';
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  v_requests := array(select r from jsonb_array_elements(p_requests) with ordinality as i (r, n) order by n);
  perform sekisho.commit_lock(v_requests);
  foreach v_request in array v_requests loop
    perform sekisho.begin_restored(v_request);
  end loop;

  -- GENERATION: nothing is written on a new history under an old name.
  select h.generation, h.position, h.identity = sekisho.server_identity()
    into strict v_generation, v_position, v_agrees
    from sekisho.head h;
  if not v_agrees then
    return to_jsonb(array_fill(
      jsonb_build_object('kind', 'identity_changed', 'head',
        jsonb_build_object('generation', v_generation, 'position', v_position)),
      array[cardinality(v_requests)]));
  end if;

  v_written := v_position;
  foreach v_request in array v_requests loop
    -- HAND IN asks whether a name is part of the history, which goes up to the head.
    if v_position > v_written and (v_request ->> 'handIn')::boolean then
      update sekisho.head set position = v_position;
      v_written := v_position;
    end if;
    v_outcome := sekisho.commit_one(v_request, v_generation, v_position);
    if v_outcome ->> 'kind' = 'committed' then
      v_position := v_position + jsonb_array_length(v_outcome -> 'entries');
      v_audit := array_append(v_audit, v_outcome -> 'audit');
      v_outcome := v_outcome - 'audit';
    end if;
    v_outcomes := array_append(v_outcomes, v_outcome);
  end loop;

  if v_position > v_written then
    update sekisho.head set position = v_position;
  end if;
  perform sekisho.append_audit((
    select jsonb_agg(e) from unnest(v_audit) with ordinality as a (events, n), jsonb_array_elements(a.events) e));
  return to_jsonb(v_outcomes);
end $$;
