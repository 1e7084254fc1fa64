-- What tells one history of the database from another: when the server was started and, where they may be read, which
-- cluster it is and on which timeline it inserts. A failover, a crash, a restart or a restore changes it.
-- To be read by the statement that it vouches for. SECURITY DEFINER, so that it says the same under every role.
create or replace function sekisho.server_identity() returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_system    text := '';
  v_timeline  text := '';
begin
  -- Some managed services refuse these two.
  begin
    v_system := (select system_identifier::text from pg_control_system());
  exception when others then null;
  end;
  begin
    v_timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
  exception when others then null;
  end;
  return concat_ws('/', to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
                   v_system, v_timeline);
end $$;
