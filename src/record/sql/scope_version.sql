-- UPGRADE: the version of the protocol since which a scope exists. A release that brings a new one adds it here.
-- Result: null for a scope that this release does not know.
create or replace function sekisho.scope_version(p_scope text) returns integer
  language sql immutable
as $$
  select case when p_scope in ('all', 'tenant', 'user', 'session', 'reissue') then 1 end
$$;
