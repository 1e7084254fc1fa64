-- Forgets the counted login attempts of one account.
-- KEYS  [1] the account's bucket, [2] the set of the names of its devices' buckets
-- Answer: these names; whoever asked removes their buckets, which are no keys of this script.
local names = redis.call('SMEMBERS', KEYS[2])
redis.call('UNLINK', KEYS[1], KEYS[2])
return names
