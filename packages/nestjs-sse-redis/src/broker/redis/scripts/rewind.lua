-- Finds the position before the last events of some channels together.
--
-- KEYS[1]   clock  as in publish.lua
-- KEYS[2…]  logs
-- ARGV[1]   retention  ms
-- ARGV[2]   count      how many events
--
-- Returns the position, no earlier than from where on every one of the logs is whole; of an unused hub, -1.

local clock = redis.call('HMGET', KEYS[1], 'last', 'since', 'retention')
if not clock[1] then return -1 end
local time = redis.call('TIME')
local now = (time[1] * 1000 + math.floor(time[2] / 1000)) * 1024
local retention = tonumber(clock[3] or ARGV[1])
local count = tonumber(ARGV[2])
if count == 0 then return tonumber(clock[1]) end

local wholeFrom = tonumber(clock[2])
local positions = {}
for i = 2, #KEYS do
  local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
  local from = first and tonumber(string.match(first[2][2], '^%d+ (%d+)')) or now - retention * 1024
  if from > wholeFrom then wholeFrom = from end
  if first then
    for _, entry in ipairs(redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', count)) do
      local ms, seq = string.match(entry[1], '^(%d+)-(%d+)$')
      positions[#positions + 1] = ms * 1024 + seq
    end
  end
end
table.sort(positions, function(a, b) return a > b end)
local oldest = positions[math.min(count, #positions)]
return math.max(oldest and oldest - 1 or tonumber(clock[1]), wholeFrom)
