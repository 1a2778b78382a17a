-- Reads the nodes whose lease has not run out.
--
-- KEYS[1] nodes  as in include/registry.lua
-- KEYS[2] info   as in renew.lua
-- KEYS[3] all    as in include/registry.lua
--
-- Returns node, when its lease runs out (ms), info, connections, node …

-- @include position

local nodesKey, infoKey, allKey = KEYS[1], KEYS[2], KEYS[3]

local now = string.format('%.0f', readTime())
local leases = redis.call('ZRANGEBYSCORE', nodesKey, '(' .. now, '+inf', 'WITHSCORES')
local reply = {}
for i = 1, #leases, 2 do
  local node = leases[i]
  reply[#reply + 1] = node
  reply[#reply + 1] = leases[i + 1]
  reply[#reply + 1] = redis.call('HGET', infoKey, node) or ''
  reply[#reply + 1] = redis.call('ZLEXCOUNT', allKey, '[' .. node .. '.', '(' .. node .. '/')
end
return reply
