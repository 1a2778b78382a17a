-- Notes which runs a node owns, so that a sweep finds them.
--
-- KEYS[1] nodes  as in include/registry.lua
-- KEYS[2] runs   zset of `<node>\0<channel>`, all of score 0
-- ARGV[1] node
-- ARGV[2] add    1: adds them, if the node has a lease; 0: removes them
-- ARGV[3…]       channels
--
-- Returns 1, or 0 if the node has no lease.
-- @include full

local nodesKey, runsKey, node, isAdded = KEYS[1], KEYS[2], ARGV[1], ARGV[2] == '1'

local lease = redis.call('ZSCORE', nodesKey, node)
if isAdded and (not lease or tonumber(lease) == 0) then return 0 end
if not isAdded then allowWhenFull(runsKey) end
for i = 3, #ARGV do
  local member = node .. '\0' .. ARGV[i]
  if isAdded then redis.call('ZADD', runsKey, 0, member) else redis.call('ZREM', runsKey, member) end
end
return 1
