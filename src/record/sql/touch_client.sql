-- Writes down that a service client was used, at most once in p_every_ms, whichever nodes it asks.
create or replace function sekisho.touch_client(p_tid text, p_cid text, p_at_ms bigint, p_every_ms bigint) returns void
  language plpgsql volatile
as $$
begin
  perform set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', p_tid, true),
          set_config('synchronous_commit', 'on', true);
  update sekisho.service_client c set last_used_at = sekisho.from_ms(p_at_ms)
   where c.tid = p_tid and c.cid = p_cid
     and (c.last_used_at is null or c.last_used_at <= sekisho.from_ms(p_at_ms - p_every_ms));
end $$;
