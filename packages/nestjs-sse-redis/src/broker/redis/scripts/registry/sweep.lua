-- Removes some of what a node left behind, with the lease when nothing is left. KEYS[1…6] and ARGV[1…4] as in
-- include/registry.lua.
--
-- KEYS[7] lock       who sweeps
-- KEYS[8] info       as in renew.lua
-- ARGV[5] by         the node that sweeps
-- ARGV[6] lockTtl    ms
-- ARGV[7] pieceSize  how many connections at most: Redis does nothing else meanwhile
-- ARGV[8] node       the node that leaves; '': any whose lease has run out
-- ARGV[9] reason     of the departures, as JSON
--
-- Returns the node ('' if there is none), how many connections were removed, 1 if there is more to do, and 1 if
-- another node is at it.
-- @include append
-- @include full
-- @include registry

allowWhenFull(KEYS[3])
local node = ARGV[8]
if node == '' then
  local holder = redis.call('GET', KEYS[7])
  if holder and holder ~= ARGV[5] then return { '', 0, 0, 1 } end
  -- Not itself: it lives, and is about to renew its lease.
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', nowMs(), 'LIMIT', 0, 2)) do
    if node == '' and name ~= ARGV[5] then node = name end
  end
  if node == '' then
    if holder then redis.call('DEL', KEYS[7]) end
    return { '', 0, 0, 0 }
  end
  redis.call('SET', KEYS[7], ARGV[5], 'PX', ARGV[6])
  -- From here on a node that comes back finds its lease gone, and registers anew what lives in it. (One that leaves
  -- keeps its lease to the end: others would take it for dead, and announce what is left as lost.)
  redis.call('ZADD', KEYS[3], 'XX', 0, node)
end

local ids = redis.call('ZRANGEBYLEX', KEYS[5], '[' .. node .. '.', '(' .. node .. '/', 'LIMIT', 0, ARGV[7])
local reasons = {}
for i = 1, #ids do reasons[i] = ARGV[9] end
local removed = remove(ids, reasons)
if type(removed) == 'table' then return removed end

local isDone = #ids < tonumber(ARGV[7])
if isDone then
  redis.call('ZREM', KEYS[3], node)
  redis.call('HDEL', KEYS[8], node)
end
-- Of a sweep: there may be another node.
return { node, removed, (not isDone or ARGV[8] == '') and 1 or 0, 0 }
