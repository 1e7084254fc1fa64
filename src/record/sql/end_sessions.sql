-- Marks sessions as ended: one, or all of a user but the spared one. The floors of a tenant or of all leave rows alone
-- (there may be millions): whoever judges a session looks at the floors (judged_session). Rows are locked in one order.
--   p_how  revoked | logout | token_reuse
create or replace function sekisho.end_sessions(
  p_tid text, p_uid text, p_sid text, p_spared_sid text, p_now timestamptz, p_how text)
  returns void
  language plpgsql volatile
as $$
declare
  v_sids  text[];
begin
  if p_sid is not null then
    v_sids := array[p_sid];
  elsif p_uid is not null then
    select array_agg(i.sid) into v_sids from (
      select s.sid from sekisho.session s
       where s.tid = p_tid and s.uid = p_uid and s.ended_at is null and s.sid is distinct from p_spared_sid
       order by s.sid
         for no key update) i;
  end if;
  if v_sids is null then return; end if;
  update sekisho.session s set ended_at = p_now, ended_how = p_how
   where s.tid = p_tid and s.sid = any (v_sids) and s.ended_at is null;
end $$;
