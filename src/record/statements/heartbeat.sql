-- HEARTBEAT: proves, renews and acknowledges in one autocommitted write (DURABLE by the set_config in it). A plain
-- statement, no function: the head and the identity are read by the snapshot of the very write that is acknowledged.
--   $1 id  $2 generation of the view  $3 applied position
--   $4 milliseconds of the heartbeat before  $5 hub  $6 whether it works: for operators
-- No row: the node was removed.
update sekisho.member as m
   set beat = m.beat + 1, generation = $2, applied = $3, beat_at = clock_timestamp(), beat_ms = $4, hub = $5, hub_working = $6
 where m.id = $1
returning
  (select h.generation from sekisho.head h) as generation,
  (select h.position from sekisho.head h) as position,
  (select h.identity = sekisho.server_identity() from sekisho.head h) as identity_agrees,
  (extract(epoch from clock_timestamp()) * 1000)::bigint as record_time_ms,
  set_config('synchronous_commit', 'on', true) as durable
