-- Counts a login attempt in all its buckets, or in none: the rule of AttemptStore in src/record/contract.ts.
-- KEYS  one sorted set a bucket (member: attempt id, score: its time), then one set for each bucket that is listed
-- ARGV  [1] attempt id, [2] now, then five a bucket:
--         allowance, window, longest wait (ms), which of KEYS lists it (0: none), and under which name
-- Answer { 0 } when it was counted; { n, retry after ms, reset ms } when bucket n refused it and nothing was written: of
-- several that refuse, the one with the longest wait.
-- Whatever a bucket holds, a dozen of its elements are read.
local attemptId, now = ARGV[1], tonumber(ARGV[2])
local EXTRA_LIFE_MS = 60000
local MOST_REMOVED = 1000

local function waitFor(count, bucket)
  return math.min(bucket.maxWait, 1000 * 2 ^ math.min(count - bucket.allowance, 40))
end

local function timeAt(key, rank)
  return tonumber(redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')[2])
end

-- How long until an attempt passes if none is counted before, and until the window is empty: for each number that may
-- still count by then, the later of the others' leaving and the end of the wait. Numbers with the longest wait change
-- nothing.
local function judge(bucket)
  local key = bucket.key
  local from = now - bucket.window
  local counted = redis.call('ZCOUNT', key, '(' .. from, '+inf')
  if counted < bucket.allowance then return 0, 0 end
  local last = timeAt(key, -1)
  local outside = redis.call('ZCARD', key) - counted
  local earliest = last + waitFor(counted, bucket)
  local left = bucket.allowance - 1
  while left < counted and (left < bucket.allowance or waitFor(left, bucket) < bucket.maxWait) do
    local leaves = timeAt(key, outside + counted - left - 1) + bucket.window
    local waited = left < bucket.allowance and leaves or last + waitFor(left, bucket)
    earliest = math.min(earliest, math.max(leaves, waited))
    left = left + 1
  end
  return math.max(0, earliest - now), last + bucket.window - now
end

local buckets = {}
local refusal
for n = 1, (#ARGV - 2) / 5 do
  local at = 5 * n - 2
  local bucket = {
    key = KEYS[n],
    allowance = tonumber(ARGV[at]),
    window = tonumber(ARGV[at + 1]),
    maxWait = tonumber(ARGV[at + 2]),
    list = KEYS[tonumber(ARGV[at + 3])],
    name = ARGV[at + 4],
  }
  buckets[n] = bucket
  local retryMs, resetMs = judge(bucket)
  if
    retryMs > 0
    and (not refusal or retryMs > refusal[2] or retryMs == refusal[2] and resetMs > refusal[3])
  then
    refusal = { n, retryMs, resetMs }
  end
end
if refusal then return refusal end

for _, bucket in ipairs(buckets) do
  -- What left the window counts never again, even by a clock that is a little behind.
  local outside = redis.call('ZCOUNT', bucket.key, '-inf', now - bucket.window)
  if outside > 0 then
    redis.call('ZREMRANGEBYRANK', bucket.key, 0, math.min(outside, MOST_REMOVED) - 1)
  end
  redis.call('ZADD', bucket.key, now, attemptId)
  redis.call('PEXPIRE', bucket.key, bucket.window + EXTRA_LIFE_MS)
  if bucket.list then
    redis.call('SADD', bucket.list, bucket.name)
    redis.call('PEXPIRE', bucket.list, bucket.window + EXTRA_LIFE_MS)
  end
end
return { 0 }
