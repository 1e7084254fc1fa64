-- The roles of a database for Sekisho, made by a superuser before anything else (psql; the image of PostgreSQL runs it once, when
-- it makes its data directory). Run again, it sets the passwords anew, or readies another database of the same server.
-- Passwords come from the environment.
--   sekisho_owner   makes and changes the schema: `sekisho migrate` and `sekisho restore`
--   sekisho_node    what nodes and all other commands are: it takes one of the two roles below for each transaction, owns
--                   nothing, and can make nothing
--   sekisho_tenant, sekisho_system  cannot log in; row-level security is theirs (docs/decisions/0002-isolation-between-tenants.md)
\set ON_ERROR_STOP on
set client_min_messages to warning;
\getenv owner_password SEKISHO_OWNER_PASSWORD
\getenv node_password SEKISHO_NODE_PASSWORD

select format('create role %I', name)
  from unnest(array['sekisho_tenant', 'sekisho_system', 'sekisho_owner', 'sekisho_node']) name
 where not exists (select from pg_roles where rolname = name) \gexec

alter role sekisho_tenant nologin nosuperuser nobypassrls nocreatedb nocreaterole;
alter role sekisho_system nologin nosuperuser nobypassrls nocreatedb nocreaterole;
-- No CREATEROLE: the roles are all here, and on PostgreSQL 15 whoever has it can give himself pg_execute_server_program.
alter role sekisho_owner login nosuperuser nobypassrls nocreatedb nocreaterole password :'owner_password';
alter role sekisho_node login nosuperuser nobypassrls nocreatedb nocreaterole password :'node_password';
grant sekisho_tenant, sekisho_system to sekisho_owner, sekisho_node;

revoke all on database :"DBNAME" from public;
grant connect, create on database :"DBNAME" to sekisho_owner;
grant connect on database :"DBNAME" to sekisho_node;
revoke create on schema public from public;
