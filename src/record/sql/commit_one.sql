-- COMMIT of one request, under the locks of commit_lock: known already? allowed? then the change and the entries. Either
-- all of it is written or nothing.
--   p                         a CommitRequest, as in commit
--   p_generation, p_position  the head as those before it in the batch have left it
-- Result: a CommitOutcome; a committed one with the audit rows that are still to be written, as "audit".
create or replace function sekisho.commit_one(p jsonb, p_generation text, p_position bigint) returns jsonb
  language plpgsql volatile
as $$
declare
  v_outcome  jsonb;
  v_uid      text;
  v_change   text := p #>> '{change,kind}';
begin
  v_outcome := sekisho.commit_known(p);
  if v_outcome is not null then return v_outcome; end if;

  if p #>> '{actor,kind}' = 'reset' then
    v_uid := sekisho.reset_owner(p ->> 'tid', decode(p #>> '{actor,tokenHash}', 'hex'), (p ->> 'nowMs')::bigint);
    if v_uid is null then return jsonb_build_object('kind', 'reset_unknown'); end if;
    p := sekisho.with_reset_owner(p, v_uid);
  end if;

  v_outcome := sekisho.commit_judge(p);
  if v_outcome is not null then return v_outcome; end if;

  -- Only a name that another user may have taken can still stand in the way: a savepoint for those alone.
  if v_change in ('user_create', 'tenant_create') or (v_change = 'user_patch' and p -> 'change' ? 'email') then
    declare
      v_constraint  text;
    begin
      return sekisho.commit_write(p, p_generation, p_position);
    exception when unique_violation then
      get stacked diagnostics v_constraint = constraint_name;
      v_outcome := jsonb_build_object('kind', case v_constraint
        when 'tenant_user_email' then 'email_taken'
        when 'tenant_user_external_id' then 'external_id_taken'
        when 'tenant_slug_key' then 'slug_taken' end);
      if v_outcome ->> 'kind' is null then raise; end if;
      return v_outcome;
    end;
  end if;
  return sekisho.commit_write(p, p_generation, p_position);
end $$;
