-- When the last row of before the trail was sealed had been put among those that wait: what says that it is one of them, and
-- is sealed long after that, is none.
alter table sekisho.audit_sealer add column old_done_at timestamptz;
