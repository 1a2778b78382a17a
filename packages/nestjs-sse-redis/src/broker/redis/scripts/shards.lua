-- Takes the number of shards of a hub, if it has none yet. A hub that was there before this was noted has one.
--
-- KEYS[1] clock   of the hub, of the shard that has the registry
-- ARGV[1] shards  as the process has it in its settings
--
-- Returns the number that counts.

local known = redis.call('HGET', KEYS[1], 'shards')
if known then return known end
local shards = redis.call('HGET', KEYS[1], 'last') and '1' or ARGV[1]
redis.call('HSET', KEYS[1], 'shards', shards)
return shards
