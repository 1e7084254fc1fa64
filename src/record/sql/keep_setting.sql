-- A setting that the record keeps from the first start on: stores p_value unless one is there.
-- Result: what is there.
create or replace function sekisho.keep_setting(p_name text, p_value text) returns text
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.setting (name, value) values (p_name, p_value) on conflict do nothing;
  return (select s.value from sekisho.setting s where s.name = p_name);
end $$;
