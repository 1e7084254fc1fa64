-- Sealed rows of a tenant in the order of its chain, with what the trail holds of them now.
-- Result: [{seq, id, hash, personal, salt, row, old}], row null when it is gone; old: it was recorded before trails were sealed.
create or replace function sekisho.sealed_page(p_tid text, p_after bigint, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(nullif(p_tid, '')), sekisho.by_index();
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
        'seq', p.seq, 'id', p.id, 'hash', encode(p.hash, 'hex'), 'personal', encode(p.personal, 'hex'),
        'salt', encode(p.salt, 'hex'),
        'old', coalesce(a.at < (select z.begun_at from sekisho.audit_sealer z), false),
        'row', case when a.id is not null then sekisho.audit_row(a) end) order by p.seq), '[]')
      from (
        select s.* from sekisho.audit_seal s
         where s.tid = p_tid and s.seq > p_after order by s.seq limit p_limit) p
      left join sekisho.audit a on a.tid = p_tid and a.id = p.id);
end $$;
