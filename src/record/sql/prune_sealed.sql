-- Removes p_batch sealed rows of a tenant's trail, the oldest first, up to where its chain says that it is pruned (p_seq), and
-- the checkpoints before that at the end. SECURITY DEFINER: neither the roles nor whoever takes them may delete rows of the
-- trail otherwise (ASVS 16.4.2), so that a node's login needs no right to do so.
-- Result: how many rows went; 0 where the chain is not pruned up to p_seq.
create or replace function sekisho.prune_sealed(p_tid text, p_seq bigint, p_batch integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog
as $$
declare
  v_from     bigint;
  v_removed  integer := 0;
begin
  perform set_config('sekisho.audit_verb', 'prune', true), sekisho.by_index();
  perform 1 from sekisho.audit_chain c where c.tid = p_tid and c.base_seq = p_seq;
  if found then
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
revoke execute on function sekisho.prune_sealed(text, bigint, integer) from public;
grant execute on function sekisho.prune_sealed(text, bigint, integer) to sekisho_system;
