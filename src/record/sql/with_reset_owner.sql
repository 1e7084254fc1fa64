-- A request by a one-time token does not know whose it is: puts the user in wherever one is missing, which is in the
-- change, in what is revoked, and as the subject of what is audited.
create or replace function sekisho.with_reset_owner(p jsonb, p_uid text) returns jsonb
  language sql immutable
as $$
  select p || jsonb_build_object(
    'change', (p -> 'change') || jsonb_build_object('uid', p_uid),
    'revoke', (
      select coalesce(jsonb_agg(
               case when s ->> 'scope' in ('user', 'reissue') and s ->> 'uid' is null
                    then s || jsonb_build_object('uid', p_uid) else s end order by n), '[]')
        from jsonb_array_elements(p -> 'revoke') with ordinality as i (s, n)),
    'audit', (
      select coalesce(jsonb_agg(
               case when a ->> 'subject' is null
                    then a || jsonb_build_object('subject', jsonb_build_object('kind', 'user', 'id', p_uid))
                    else a end order by n), '[]')
        from jsonb_array_elements(p -> 'audit') with ordinality as i (a, n)))
$$;
