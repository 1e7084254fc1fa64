-- A user as it leaves the record: everything but the password's hash (see userOf in rows.ts).
create or replace function sekisho.user_json(p_user sekisho.tenant_user) returns jsonb
  language sql stable parallel safe
  as $$ select to_jsonb(p_user) - 'password_hash' $$;
