-- Reads the nodes whose lease has not run out.
--
-- KEYS[1] nodes  as in include/registry.lua
-- KEYS[2] info   as in renew.lua
-- KEYS[3] all    as in include/registry.lua
--
-- Returns node, when its lease runs out (ms), info, connections, node …

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local leases = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
local reply = {}
for i = 1, #leases, 2 do
  local node = leases[i]
  reply[#reply + 1] = node
  reply[#reply + 1] = leases[i + 1]
  reply[#reply + 1] = redis.call('HGET', KEYS[2], node) or ''
  reply[#reply + 1] = redis.call('ZLEXCOUNT', KEYS[3], '[' .. node .. '.', '(' .. node .. '/')
end
return reply
