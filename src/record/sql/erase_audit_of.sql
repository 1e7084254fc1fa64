-- Erases the personal data of one user out of p_limit rows of a tenant, from the oldest on: of what the user did, of what
-- befell them without anybody else acting, and of attempts with their e-mail address.
--   p_after_us, p_after_id  the last row that was looked at
-- Result: {"found", "erased", "passed", "looked", "atUs", "id"}: found: rows of theirs; passed: rows of theirs that are not sealed yet and keep what they have;
-- the next place; atUs null at the end.
create or replace function sekisho.erase_audit_of(
  p_tid text, p_uid text, p_email text, p_after_us bigint, p_after_id text, p_limit integer) returns jsonb
  language plpgsql volatile
as $$
declare
  v_after   timestamptz := case when p_after_us is null then '0001-01-01T00:00:00Z'
                                else 'epoch'::timestamptz + p_after_us * interval '1 microsecond' end;
  v_page    record;
  v_erased  integer;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true), sekisho.by_index();
  select count(*) as looked, max(p.at) as last_at,
         (array_agg(p.id order by p.at desc, p.id desc))[1] as last_id,
         coalesce(array_agg(p.id) filter (where
           p.actor_uid = p_uid or p.detail ->> 'email' = p_email
           or p.actor_kind <> 'user' and (p.subject_id = p_uid or p.detail ->> 'uid' = p_uid)), '{}') as ids
    into v_page
    from (
      select a.* from sekisho.audit a
       -- Rows of ours have a time with four digits of the year: so has every place at which a page ends.
       where a.tid = p_tid and (a.at, a.id) > (v_after, coalesce(p_after_id, '')) and a.at < '10000-01-01T00:00:00Z'
       order by a.at, a.id
       limit p_limit) p;
  v_erased := case when v_page.ids = '{}' then 0 else sekisho.erase_audit(p_tid, v_page.ids) end;
  return jsonb_build_object(
    'found', cardinality(v_page.ids),
    'erased', v_erased,
    'passed', (
      select count(*) from sekisho.audit a
       where a.tid = p_tid and a.id = any (v_page.ids)
         and (a.ip is not null or a.user_agent is not null or a.detail ? 'email')),
    'looked', v_page.looked,
    'atUs', case when v_page.looked = p_limit then (extract(epoch from v_page.last_at) * 1000000)::bigint end,
    'id', case when v_page.looked = p_limit then v_page.last_id end);
end $$;
