-- Carries out the change of a request that was judged, under the role of its tenant (a new tenant: of the system).
--   c  a Change (src/record/contract.ts), hashes in hex
-- Result: {uid?, sid?, version?}: the user and the session that it changed, and the policy's version.
-- Raises unique_violation where an address, an external id or a slug is taken.
create or replace function sekisho.apply_change(c jsonb, p_now timestamptz) returns jsonb
  language plpgsql volatile
as $$
declare
  v_tid      text := c ->> 'tid';
  v_uid      text := c ->> 'uid';
  v_version  integer;
begin
  case c ->> 'kind'
  when 'user_create' then
    insert into sekisho.tenant_user (tid, uid, external_id, email, name, roles, password_hash, created_at)
    values (v_tid, v_uid, c ->> 'externalId', c ->> 'email', c ->> 'name',
            array(select jsonb_array_elements_text(c -> 'roles')), c ->> 'passwordHash', p_now);
    perform sekisho.set_reset(v_tid, v_uid, c -> 'reset');

  when 'user_patch' then
    update sekisho.tenant_user u
       set email = coalesce(c ->> 'email', u.email),
           name = coalesce(c ->> 'name', u.name),
           roles = case when c ? 'roles' then array(select jsonb_array_elements_text(c -> 'roles')) else u.roles end,
           status = coalesce(c ->> 'status', u.status),
           version = u.version + 1
     where u.tid = v_tid and u.uid = v_uid;
    if c ->> 'status' = 'disabled' then
      perform sekisho.end_sessions(v_tid, v_uid, null, null, p_now, 'revoked');
    end if;

  when 'user_delete' then
    perform sekisho.end_sessions(v_tid, v_uid, null, null, p_now, 'revoked');
    delete from sekisho.password_reset r where r.tid = v_tid and r.uid = v_uid;
    delete from sekisho.tenant_user u where u.tid = v_tid and u.uid = v_uid;

  when 'password_set' then
    update sekisho.tenant_user u set password_hash = c ->> 'passwordHash' where u.tid = v_tid and u.uid = v_uid;
    -- Every open reset token dies with the old password, the one that was used among them.
    perform sekisho.set_reset(v_tid, v_uid, null);
    perform sekisho.regenerate_session(v_tid, c -> 'regenerate', p_now);

  when 'password_reset' then
    update sekisho.tenant_user u set password_hash = null where u.tid = v_tid and u.uid = v_uid;
    perform sekisho.set_reset(v_tid, v_uid, c -> 'reset');

  when 'session_regenerate' then
    perform sekisho.regenerate_session(v_tid, c -> 'regenerate', p_now);

  when 'session_end' then
    -- Whoever revokes along with it gets the same rows from the entry.
    perform sekisho.end_sessions(v_tid, v_uid, c ->> 'sid', c ->> 'sparedSid', p_now, c ->> 'how');
    v_uid := null;

  when 'policy_put' then
    v_version := sekisho.put_policy(v_tid, c, p_now);

  when 'tenant_patch' then
    update sekisho.tenant t set name = coalesce(c ->> 'name', t.name), status = coalesce(c ->> 'status', t.status)
     where t.tid = v_tid;

  when 'tenant_delete' then
    -- The rows go in batches afterwards (delete_tenant_rows), the tenant's own as the last one.
    update sekisho.tenant t set status = 'deleting' where t.tid = v_tid;

  when 'tenant_create' then
    v_uid := c #>> '{admin,uid}';
    insert into sekisho.tenant (tid, slug, name, policy, created_at)
    values (v_tid, c ->> 'slug', c ->> 'name', c -> 'policy', p_now);
    insert into sekisho.tenant_user (tid, uid, email, name, roles, password_hash, created_at)
    values (v_tid, v_uid, c #>> '{admin,email}', c #>> '{admin,name}', array['admin'],
            c #>> '{admin,passwordHash}', p_now);

  when 'client_create' then
    insert into sekisho.service_client (tid, cid, name, secret_hash, secret_made_at, secret_ends_at, created_at)
    values (v_tid, c ->> 'cid', c ->> 'name', decode(c #>> '{secret,hash}', 'hex'), p_now,
            sekisho.from_ms((c #>> '{secret,endsAtMs}')::bigint), p_now);

  when 'client_secret' then
    update sekisho.service_client s
       set old_hash = s.secret_hash,
           old_ends_at = least(s.secret_ends_at, sekisho.from_ms((c ->> 'oldEndsAtMs')::bigint)),
           secret_hash = decode(c #>> '{secret,hash}', 'hex'), secret_made_at = p_now,
           secret_ends_at = sekisho.from_ms((c #>> '{secret,endsAtMs}')::bigint)
     where s.tid = v_tid and s.cid = c ->> 'cid';

  when 'client_delete' then
    delete from sekisho.service_client s where s.tid = v_tid and s.cid = c ->> 'cid';

  when 'override_put', 'override_end', 'cleanup_pause' then
    perform sekisho.apply_operation(c, p_now);
  end case;
  return jsonb_build_object('uid', v_uid, 'sid', c #>> '{regenerate,sid}', 'version', v_version);
end $$;
