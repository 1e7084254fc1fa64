-- Puts rows of before the trail was sealed among those that are to be: at most p_limit, by tenant and id, from where the last
-- look ended. The lock makes it exact when two do it at once: none is put there again after it was sealed.
create or replace function sekisho.find_old_audit(p_limit integer) returns void
  language plpgsql volatile
as $$
declare
  v_sealer  sekisho.audit_sealer;
  v_looked  integer;
  v_tid     text;
  v_id      text;
begin
  perform sekisho.by_index();
  select * into strict v_sealer from sekisho.audit_sealer for update;
  if v_sealer.old_done then return; end if;
  select count(*), (array_agg(p.tid order by p.tid desc, p.id desc))[1], (array_agg(p.id order by p.tid desc, p.id desc))[1]
    into v_looked, v_tid, v_id
    from (
      select a.tid, a.id from sekisho.audit a
       where (a.tid, a.id) > (v_sealer.old_tid, v_sealer.old_id) order by a.tid, a.id limit p_limit) p;
  insert into sekisho.audit_unsealed (tid, id, at)
  select a.tid, a.id, a.at from sekisho.audit a
   where (a.tid, a.id) > (v_sealer.old_tid, v_sealer.old_id) and (a.tid, a.id) <= (v_tid, v_id)
     and not exists (select 1 from sekisho.audit_seal s where s.tid = a.tid and s.id = a.id)
      on conflict do nothing;
  perform sekisho.note_old_audit(v_tid, v_id, v_looked < p_limit);
end $$;
