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
-- @include position
-- @include full

local nodesKey, infoKey, allKey = KEYS[1], KEYS[2], KEYS[3]
local node, ttl, description = ARGV[1], ARGV[2], ARGV[3]

allowWhenFull(nodesKey)
local now = readTime()
local lease = redis.call('ZSCORE', nodesKey, node)
local isNew = not lease or tonumber(lease) == 0
redis.call('ZADD', nodesKey, string.format('%.0f', now + ttl), node)
if isNew then redis.call('HSET', infoKey, node, string.format('%.0f', now) .. '\n' .. description) end
-- '/' comes after '.'.
return { isNew and 1 or 0, redis.call('ZLEXCOUNT', allKey, '[' .. node .. '.', '(' .. node .. '/') }
