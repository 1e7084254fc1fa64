-- AUTHORITY: may this request be carried out? Each statement here was begun after the last lock, so it sees everything
-- that was committed before, and what it sees cannot change until this transaction is over. Under the role of the
-- request's tenant, so that another tenant's ids are like ids that do not exist (ASVS 8.4.1).
--   p  a CommitRequest, as in commit, with the owner of a reset token put in
-- Result: the outcome that refuses it, by the order in which HTTP names refusals (401, 403, 404, 412, 409); null: go on.
create or replace function sekisho.commit_judge(p jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_outcome  text := sekisho.judge_scopes(p);
begin
  if v_outcome is null then
    perform sekisho.take_role(p ->> 'tid');
    if p #>> '{actor,kind}' = 'session' then
      v_outcome := sekisho.judge_actor(
        p ->> 'tid', p #>> '{actor,uid}', p #>> '{actor,sid}', p #>> '{actor,role}',
        sekisho.from_ms((p ->> 'nowMs')::bigint));
    end if;
    v_outcome := coalesce(v_outcome, sekisho.judge_subjects(p), sekisho.judge_change(p));
    perform sekisho.take_role(null);
  end if;
  return case when v_outcome is not null then jsonb_build_object('kind', v_outcome) end;
end $$;
