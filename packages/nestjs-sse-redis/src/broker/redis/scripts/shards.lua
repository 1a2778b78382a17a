-- Takes the number of shards of a hub, if it has none yet, or has lost it with its data.
--
-- KEYS[1] clock   of the hub, of the shard that has the registry
-- ARGV[1] shards  as the process has it in its settings
--
-- Returns the number that counts.

local known = redis.call('HGET', KEYS[1], 'shards')
if known then return known end
redis.call('HSET', KEYS[1], 'shards', ARGV[1])
return ARGV[1]
