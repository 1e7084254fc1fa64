-- Another issuer of the tokens: stores the schedule of issuers where the expected one still stands, and what older releases
-- read.
--   p_expected  the schedule that the new one was made of; null: there was none
--   p_issuer    the newest of the new one
--   p_audit     NewAuditEvent[]
-- Result: whether it was stored.
create or replace function sekisho.change_issuer(p_expected text, p_schedule text, p_issuer text, p_audit jsonb)
  returns boolean
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null), set_config('synchronous_commit', 'on', true);
  if p_expected is null then
    insert into sekisho.setting (name, value) values ('issuer_schedule', p_schedule) on conflict do nothing;
  else
    update sekisho.setting set value = p_schedule where name = 'issuer_schedule' and value = p_expected;
  end if;
  if not found then return false; end if;
  insert into sekisho.setting (name, value) values ('issuer', p_issuer)
      on conflict (name) do update set value = excluded.value;
  perform sekisho.append_audit(p_audit);
  return true;
end $$;
