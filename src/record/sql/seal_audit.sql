-- Appends rows to the chains of their tenants, all or nothing. Whoever computed it from a chain that has moved since, or from
-- rows that somebody else has sealed, changes nothing: two sealers at once cannot split a chain.
--   p_chains  [{tid, was_seq, was_hash, seq, hash, token}]: where each chain stood and where it stands then, hashes in hex;
--             token: a signed checkpoint of that place, or null
--   p_seals   [{tid, seq, id, hash, personal, salt}]
-- Result: whether it was done. Numbers that are none of a chain any more are refused like one that has moved, so that a chain
-- that somebody has put there holds up its own tenant alone.
create or replace function sekisho.seal_audit(p_chains jsonb, p_seals jsonb) returns boolean
  language plpgsql volatile
as $$
declare
  v_now   timestamptz := clock_timestamp();
  v_hour  timestamptz := date_trunc('hour', v_now);
  v_done  integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.audit_chain (tid, seq, hash)
  select c ->> 'tid', 0, decode(c ->> 'was_hash', 'hex')
    from jsonb_array_elements(p_chains) c where (c ->> 'was_seq')::bigint = 0
   order by 1
      on conflict (tid) do nothing;
  perform 1 from sekisho.audit_chain
    where tid in (select c ->> 'tid' from jsonb_array_elements(p_chains) c) order by tid for update;

  update sekisho.audit_chain a
     set seq = n.seq, hash = decode(n.hash, 'hex'),
         signed_seq = case when n.token is null then a.signed_seq else n.seq end,
         signed_token = coalesce(n.token, a.signed_token),
         unsigned_since = case when n.token is null then coalesce(a.unsigned_since, v_now) end,
         kept_hour = case when n.token is null then a.kept_hour else v_hour end
    from jsonb_to_recordset(p_chains) n (tid text, was_seq bigint, was_hash text, seq bigint, hash text, token text)
   where a.tid = n.tid and a.seq = n.was_seq and a.hash = decode(n.was_hash, 'hex');
  get diagnostics v_done = row_count;
  if v_done <> jsonb_array_length(p_chains) then
    raise exception 'a chain has moved' using errcode = 'SK002';
  end if;

  insert into sekisho.audit_seal (tid, seq, id, hash, personal, salt, sealed_at)
  select s.tid, s.seq, s.id, decode(s.hash, 'hex'), decode(s.personal, 'hex'), decode(s.salt, 'hex'), v_now
    from jsonb_to_recordset(p_seals) s (tid text, seq bigint, id text, hash text, personal text, salt text);
  delete from sekisho.audit_unsealed u
   using jsonb_to_recordset(p_seals) s (tid text, id text)
   where u.tid = s.tid and u.id = s.id;
  get diagnostics v_done = row_count;
  if v_done <> jsonb_array_length(p_seals) then
    raise exception 'a row was sealed by somebody else' using errcode = 'SK002';
  end if;

  -- The first of every hour stays.
  insert into sekisho.audit_checkpoint (tid, seq, token, signed_at)
  select c ->> 'tid', (c ->> 'seq')::bigint, c ->> 'token', v_now
    from jsonb_array_elements(p_chains) c
   where c ->> 'token' is not null
     and not exists (
       select 1 from sekisho.audit_checkpoint k
        where k.tid = c ->> 'tid' and (k.signed_at >= v_hour or k.seq >= (c ->> 'seq')::bigint));
  return true;
exception when sqlstate 'SK002' or unique_violation or data_exception then
  return false;
end $$;
