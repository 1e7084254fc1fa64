-- Which release each member runs, for upgrades (docs/upgrading.md). A table of its own, since nodes of earlier releases read
-- every column of sekisho.member. No foreign key: a member's row goes first, and the next one that joins clears up.
create table sekisho.member_release (
  member   text primary key,
  release  text not null
);

grant select, insert, update, delete on sekisho.member_release to sekisho_system;
