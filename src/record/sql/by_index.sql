-- For what follows in this transaction: a few rows of a large table are looked up one by one, whatever the planner makes of a
-- table that it has not analysed yet. The trail only grows, and nothing may ever go through all of it.
create or replace function sekisho.by_index() returns void
  language plpgsql volatile
as $$
begin
  perform set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
          set_config('jit', 'off', true);
end $$;
