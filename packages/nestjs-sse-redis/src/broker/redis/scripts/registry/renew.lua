-- Takes or renews the lease of a node.
--
-- KEYS[1] nodes  as in include/registry.lua
-- KEYS[2] info   hash: node → since when it has its lease (ms), a line end, and its description as JSON
-- KEYS[3] all    as in include/registry.lua
-- ARGV[1] node
-- ARGV[2] ttl    ms
-- ARGV[3] description
--
-- Returns 1 if the lease is new (there was none, or it was being swept), else 0; and how many connections are
-- registered for the node.
-- @include full

allowWhenFull(KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
local isNew = not lease or tonumber(lease) == 0
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if isNew then redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now) .. '\n' .. ARGV[3]) end
-- '/' comes after '.'.
return { isNew and 1 or 0, redis.call('ZLEXCOUNT', KEYS[3], '[' .. ARGV[1] .. '.', '(' .. ARGV[1] .. '/') }
