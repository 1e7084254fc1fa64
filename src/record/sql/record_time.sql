-- WALL TIME: the record's own time, milliseconds since 1970.
create or replace function sekisho.record_time() returns bigint
  language sql volatile
  as $$ select sekisho.to_ms(clock_timestamp()) $$;
