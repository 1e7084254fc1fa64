-- Writes audit rows in the caller's transaction and under the caller's role.
--   p_events  an array of NewAuditEvent (src/audit/types.ts), its fields named as there; null is none
create or replace function sekisho.append_audit(p_events jsonb) returns void
  language plpgsql volatile
as $$
begin
  insert into sekisho.audit
    (tid, id, at, action, outcome, actor_kind, actor_uid, actor_sid, subject_kind, subject_id,
     ip, user_agent, request_id, detail)
  select coalesce(e ->> 'tid', ''), e ->> 'id', sekisho.from_ms((e ->> 'atMs')::bigint),
         e ->> 'action', e ->> 'outcome',
         e #>> '{actor,kind}', e #>> '{actor,uid}', e #>> '{actor,sid}',
         e #>> '{subject,kind}', e #>> '{subject,id}',
         e ->> 'ip', e ->> 'userAgent', e ->> 'requestId', coalesce(e -> 'detail', '{}')
    from jsonb_array_elements(coalesce(p_events, '[]')) e;
end $$;
