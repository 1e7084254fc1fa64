-- Begins a sweep in one partition: leaves its marker, and reads what was there.
-- KEYS  [1] the partition's marks
-- ARGV  [1] field of the marker, [2] number of the sweep, [3] time to live of the marks (ms)
-- Answer: fields and values of the marks, as they were before.
local before = redis.call('HGETALL', KEYS[1])
local marker = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '') or 0
if marker < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return before
