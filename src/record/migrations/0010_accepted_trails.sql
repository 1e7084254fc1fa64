-- What an operator's key has signed of going on with a chain that nodes take for another one than they have sealed (docs/audit.md):
-- a failover has lost the newest rows and seals, and somebody has looked. It proves itself; nobody is believed who only writes here.
alter table sekisho.audit_chain add column accepted_token text;
grant update (accepted_token) on sekisho.audit_chain to sekisho_system;
