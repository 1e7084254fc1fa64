-- The outcome `duplicate` of an operation: its id and its first entry, if it had one that is still kept.
create or replace function sekisho.duplicate_outcome(p_operation_id text) returns jsonb
  language sql stable
as $$
  select jsonb_build_object(
    'kind', 'duplicate', 'operationId', p_operation_id,
    'row', (select to_jsonb(r) from sekisho.revocation r where r.operation_id = p_operation_id))
$$;
