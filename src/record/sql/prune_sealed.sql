-- Has the chain of a tenant begin behind p_seq, where it has p_hash, and removes p_batch sealed rows up to there, the oldest
-- first, and the checkpoints before that at the end. SECURITY DEFINER: neither the roles nor whoever takes them may say where a
-- chain begins or delete rows of the trail otherwise (ASVS 16.4.2), so that a node's login needs no right to do so.
--   p_token  what a key says of pruning up to here. It must name this place. Its signature cannot be verified here, where
--            nobody has the secret: verification does, and names pruning that no key of ours has signed
-- Result: how many rows went; 0 where the chain has another hash there, or begins later.
-- Errors: 42501 for a token that does not name this place.
create or replace function sekisho.prune_sealed(
  p_tid text, p_seq bigint, p_hash bytea, p_token text, p_batch integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_payload  text := translate(split_part(p_token, '.', 2), '-_', '+/');
  v_said     jsonb;
  v_from     bigint;
  v_removed  integer := 0;
begin
  perform set_config('sekisho.audit_verb', 'prune', true), sekisho.by_index();
  -- Said again by a newer key, or moved on to a place where the chain has been; never back.
  perform 1 from sekisho.audit_chain c
    where c.tid = p_tid
      and (c.base_seq = p_seq and c.base_hash = p_hash
        or c.base_seq < p_seq and exists (
          select 1 from sekisho.audit_seal s where s.tid = p_tid and s.seq = p_seq and s.hash = p_hash))
    for update;
  if found then
    begin
      v_said := convert_from(decode(v_payload || repeat('=', (4 - length(v_payload) % 4) % 4), 'base64'), 'UTF8')::jsonb;
    exception when data_exception then
      v_said := null;
    end;
    if (v_said ->> 'kind' = 'pruned' and v_said ->> 'tid' = p_tid and v_said ->> 'seq' = p_seq::text
        and v_said ->> 'hash' = translate(encode(p_hash, 'base64'), '+/=', '-_')) is not true then
      raise exception 'nobody has signed that this trail is pruned up to here' using errcode = '42501';
    end if;
    update sekisho.audit_chain c set base_seq = p_seq, base_hash = p_hash, base_token = p_token where c.tid = p_tid;
    select min(s.seq) into v_from from sekisho.audit_seal s where s.tid = p_tid;
    delete from sekisho.audit a
     using sekisho.audit_seal s
     where s.tid = p_tid and s.seq >= v_from and s.seq < v_from + p_batch and s.seq <= p_seq
       and a.tid = p_tid and a.id = s.id;
    delete from sekisho.audit_seal s
     where s.tid = p_tid and s.seq >= v_from and s.seq < v_from + p_batch and s.seq <= p_seq;
    get diagnostics v_removed = row_count;
    if v_removed < p_batch then
      delete from sekisho.audit_checkpoint k where k.tid = p_tid and k.seq < p_seq;
    end if;
  end if;
  perform set_config('sekisho.audit_verb', '', true);
  return v_removed;
end $$;
revoke execute on function sekisho.prune_sealed(text, bigint, bytea, text, integer) from public;
grant execute on function sekisho.prune_sealed(text, bigint, bytea, text, integer) to sekisho_system;
