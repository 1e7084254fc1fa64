-- A limit of login attempts, tightened: fewer attempts, longer windows and waits, whichever of both is tighter. The same as
-- tightened() in src/tenant/login-limit.ts.
--   p_limits  what operators have decided; null for nothing
create or replace function sekisho.tighter_limit(p_limit jsonb, p_limits jsonb) returns jsonb
  language sql immutable parallel safe
as $$
  select p_limit || jsonb_build_object(
    'account_attempts', least((p_limit ->> 'account_attempts')::integer, (p_limits ->> 'account_attempts')::integer),
    'account_window', greatest((p_limit ->> 'account_window')::integer, (p_limits ->> 'account_window')::integer),
    'address_attempts', least((p_limit ->> 'address_attempts')::integer, (p_limits ->> 'address_attempts')::integer),
    'address_window', greatest((p_limit ->> 'address_window')::integer, (p_limits ->> 'address_window')::integer),
    'max_wait', greatest((p_limit ->> 'max_wait')::integer, (p_limits ->> 'max_wait')::integer))
$$;
