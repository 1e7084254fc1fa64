-- Adds last-seen times of one partition; none is moved back. Leaves the node's mark, unless its earlier one is gone: then
-- what was written before it may be gone, too.
-- KEYS  [1] the partition's marks, then one key a session
-- ARGV  [1] member whose mark was left last, [2] that mark (0: none), [3] member, [4] its new mark or '' for none,
--       [5] time to live of the marks (ms), [6] the latest time that any session may have been seen at (ms),
--       then two a session: last seen (ms), time to live (ms)
-- Answer 1; 0 when the earlier mark is gone or older than it was.
local latest = tonumber(ARGV[6])
for n = 2, #KEYS do
  local at = ARGV[2 * n + 3]
  -- What is no time of ours (pcall: or no string at all) is overwritten: digits alone are, and none of the future.
  local found = redis.pcall('GET', KEYS[n])
  local known = type(found) == 'string' and string.find(found, '^%d+$') and tonumber(found)
  if not known or known < tonumber(at) or known > latest then
    redis.call('SET', KEYS[n], at, 'PX', ARGV[2 * n + 4])
  end
end
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '') or 0
if before < tonumber(ARGV[2]) then return 0 end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return 1
