-- Whether this operation, or this caller's idempotency key, has been decided before. The caller's own row is locked, so two
-- requests with one key cannot overtake each other here.
--   p  a CommitRequest, as in commit
-- Result: the outcome `duplicate`, `abandoned` or `idempotency_key_reused`; null when all of it is new.
create or replace function sekisho.commit_known(p jsonb) returns jsonb
  language plpgsql volatile
as $$
declare
  v_operation  sekisho.operation;
  v_key        sekisho.idempotency_key;
begin
  select * into v_operation from sekisho.operation o where o.id = p ->> 'operationId';
  if found and coalesce((p ->> 'handIn')::boolean, false) and (
    v_operation.outcome = 'abandoned' or not sekisho.in_history(v_operation.generation, v_operation.position))
  then
    -- HAND IN: whoever holds the entry proves that it was committed, and that where it stood is lost.
    return null;
  elsif found then
    -- DURABLE: an answer that writes nothing would wait for no standby; see read_operation.
    perform from sekisho.operation o where o.id = v_operation.id for key share;
    if v_operation.tid is distinct from p ->> 'tid' then
      return jsonb_build_object('kind', 'abandoned');
    elsif v_operation.outcome = 'committed' then
      return sekisho.duplicate_outcome(v_operation.id);
    end if;
    return jsonb_build_object('kind', 'abandoned');
  end if;

  if p ->> 'idempotency' is null or p #>> '{actor,kind}' <> 'session' then return null; end if;
  select * into v_key from sekisho.idempotency_key k
   where k.tid = p ->> 'tid' and k.uid = p #>> '{actor,uid}' and k.key = p #>> '{idempotency,key}'
     and k.created_at > sekisho.from_ms((p ->> 'nowMs')::bigint) - interval '24 hours';
  if not found then
    return null;
  elsif v_key.body_hash <> decode(p #>> '{idempotency,bodyHash}', 'hex') then
    return jsonb_build_object('kind', 'idempotency_key_reused');
  end if;
  return sekisho.duplicate_outcome(v_key.operation_id);
end $$;
