-- A setting that the deployment changes: stores p_value where p_expected still stands.
-- Result: what is there.
create or replace function sekisho.replace_setting(p_name text, p_expected text, p_value text) returns text
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  update sekisho.setting set value = p_value where name = p_name and value = p_expected;
  return (select s.value from sekisho.setting s where s.name = p_name);
end $$;
