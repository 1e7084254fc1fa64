-- Takes a counted login attempt back.
-- KEYS  one sorted set a bucket
-- ARGV  [1] attempt id, then one a bucket: 1 when it is emptied altogether, 0 when only this attempt is taken back
-- Answer: nothing of interest.
for n, key in ipairs(KEYS) do
  if ARGV[n + 1] == '1' then
    redis.call('UNLINK', key)
  else
    redis.call('ZREM', key, ARGV[1])
  end
end
return 1
