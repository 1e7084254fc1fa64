-- RECONCILE: SHA-256, in hex, over one line an entry at positions p_from to p_to; revocation/digest.ts makes the same.
-- Result: HistoryCheck with {digest}.
create or replace function sekisho.digest_log(p_from bigint, p_to bigint) returns jsonb
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return (
    select sekisho.history() || jsonb_build_object('digest', encode(sha256(convert_to(coalesce(string_agg(
             sekisho.entry_line(r), E'\n' order by r.position), ''), 'UTF8')), 'hex'))
      from sekisho.revocation r
     where r.position between p_from and p_to);
end $$;
