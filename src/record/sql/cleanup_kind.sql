-- Where the rows of a kind of clean-up are, and by which time of theirs they are old; each such time has an index. Entries
-- of the log are found by position (clean, cleanup_left).
--   p_kind  sessions          ended, or past their absolute end
--           attempts          buckets of login attempts, by the last that was counted
--           tickets, resets   by their expiry
--           idempotencyKeys   by first use
--           operations        what became of them
--           overrides         that have ended. A ceiling matters as long as a session of its time may live: longer than all
--                             others that anybody asks for here.
create or replace function sekisho.cleanup_kind(p_kind text, out relation text, out aged_by text)
  language sql immutable parallel safe
as $$
  select k.relation, k.aged_by
    from (values
      ('sessions',        'session',         'least(absolute_end_at, ended_at)'),
      ('attempts',        'login_attempt',   'last_at'),
      ('tickets',         'used_ticket',     'expires_at'),
      ('resets',          'password_reset',  'expires_at'),
      ('idempotencyKeys', 'idempotency_key', 'created_at'),
      ('operations',      'operation',       'decided_at'),
      ('overrides',       'override',        'until_at')
    ) k (kind, relation, aged_by)
   where k.kind = p_kind
$$;
