-- Takes a reserved attempt back.
--   p_buckets  AttemptBucket[] of the reservation
--   p_clear    success resets: the account's buckets (not the address's) are emptied altogether
create or replace function sekisho.give_back_attempt(p_tid text, p_buckets jsonb, p_attempt_id text, p_clear boolean)
  returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  -- In the order of reserve_attempt, so that neither waits for the other in a circle.
  perform from sekisho.login_attempt a
    where a.tid = p_tid and (a.kind, a.key) in (select b ->> 'kind', b ->> 'key' from jsonb_array_elements(p_buckets) b)
    order by a.kind, a.key for update;
  delete from sekisho.login_attempt a using jsonb_array_elements(p_buckets) b
   where a.tid = p_tid and a.kind = b ->> 'kind' and a.key = b ->> 'key'
     and (a.ids = array[p_attempt_id] or (p_clear and a.kind in ('account', 'device')));
  update sekisho.login_attempt a
     set (ids, times, last_at) = (
           select array_agg(i.id), array_agg(i.at), max(i.at)
             from unnest(a.ids, a.times) as i (id, at) where i.id <> p_attempt_id)
    from jsonb_array_elements(p_buckets) b
   where a.tid = p_tid and a.kind = b ->> 'kind' and a.key = b ->> 'key' and p_attempt_id = any (a.ids);
end $$;
