-- RESTORE: begins the generation of a request that declares the record restored, in the transaction of its floor, so that
-- nothing comes between the two. A repeated declaration begins none. Open password resets go: one that was used after the
-- backup would be unused again.
--   p  a CommitRequest, as in commit; nothing is done without its `restored`
create or replace function sekisho.begin_restored(p jsonb) returns void
  language plpgsql volatile
as $$
begin
  if p ->> 'restored' is null or sekisho.commit_known(p) is not null then return; end if;
  perform sekisho.begin_generation(h.generation, p ->> 'restored', true) from sekisho.head h;
  delete from sekisho.password_reset;
end $$;
