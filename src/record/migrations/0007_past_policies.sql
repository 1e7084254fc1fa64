-- What policies of a tenant were in force before, as far as it still matters: what came to its end under one of them stays
-- expired, whatever took its place (sekisho.put_policy, sekisho.judged_session). The n-th of each array belong together:
-- its time-outs, and up to when it was in force. Null: nothing.
-- older nodes: they read none of it, and write policies through sekisho.put_policy, which does
alter table sekisho.tenant
  add column past_absolute_s  integer[],
  add column past_idle_s      integer[],
  add column past_until       timestamptz[];
