-- A member has written to the record everything that it noted up to p_through_ms. Swept through moves to the earliest of
-- the members' marks; one that has left none has noted nothing before it joined (or leaves its marks in the hub, and a
-- sweep tells). Nothing moves while sweeping is paused.
create or replace function sekisho.mark_seen(p_member text, p_through_ms bigint) returns void
  language plpgsql volatile
as $$
declare
  v_through timestamptz;
begin
  perform set_config('role', 'sekisho_system', true), set_config('synchronous_commit', 'on', true);
  insert into sekisho.seen_mark as k (member, through) values (p_member, sekisho.from_ms(p_through_ms))
      on conflict (member) do update set through = greatest(k.through, excluded.through);
  delete from sekisho.seen_mark k
   where k.member <> p_member and not exists (select from sekisho.member m where m.id = k.member);
  select min(coalesce(k.through, m.joined_at)) into v_through
    from sekisho.member m left join sekisho.seen_mark k on k.member = m.id;
  if v_through is null then return; end if;
  insert into sekisho.sweep as w (swept_through) values (v_through)
      on conflict (only_one) do update set swept_through = excluded.swept_through
   where w.swept_through < excluded.swept_through and not w.paused;
end $$;
