-- Removes some of what a node left behind, with the lease when nothing is left. KEYS[1…8] and ARGV[1…3] as in
-- include/registry.lua.
--
-- KEYS[9] lock       who sweeps
-- KEYS[10] info       as in renew.lua
-- KEYS[11] runs       as in runs.lua
-- ARGV[4] by         the node that sweeps
-- ARGV[5] lockTtl    ms
-- ARGV[6] pieceSize  how many connections at most: Redis does nothing else meanwhile
-- ARGV[7] node       the node that leaves; '': any whose lease has run out
-- ARGV[8] reason     of the departures, as JSON
--
-- Returns the node ('' if there is none), how many connections were removed, 1 if there is more to do, the channels of runs
-- that it owned, and 1 if another node is at it. The node keeps its place until its runs are ended and taken out.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include full
-- @include registry

local lockKey, infoKey, runsKey = KEYS[9], KEYS[10], KEYS[11]
local by, lockTtl, pieceSize, leaving, reason = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]

allowWhenFull(nodesKey)
local node = leaving
if node == '' then
  local holder = redis.call('GET', lockKey)
  if holder and holder ~= by then return { '', 0, 0, {}, 1 } end
  -- Not where its own lease has run out: the others live as it does, perhaps. A sweep that Redis gets behind an outage may come before
  -- all renewals.
  local now, own = nowMs(), redis.call('ZSCORE', nodesKey, by)
  if not own or tonumber(own) > tonumber(now) then
    node = redis.call('ZRANGEBYSCORE', nodesKey, '-inf', now, 'LIMIT', 0, 1)[1] or ''
  end
  if node == '' then
    if holder then redis.call('DEL', lockKey) end
    return { '', 0, 0, {}, 0 }
  end
  redis.call('SET', lockKey, by, 'PX', lockTtl)
  -- From here on a node that comes back finds its lease gone, and registers anew what lives in it. (One that leaves
  -- keeps its lease to the end: others would take it for dead, and announce what is left as lost.)
  redis.call('ZADD', nodesKey, 'XX', 0, node)
end

local ids = redis.call('ZRANGEBYLEX', allKey, '[' .. node .. '.', '(' .. node .. '/', 'LIMIT', 0, pieceSize)
local reasons = {}
for i = 1, #ids do reasons[i] = reason end
local removed = remove(ids, reasons)
if type(removed) == 'table' then return removed end

local runs = {}
for i, member in ipairs(redis.call('ZRANGEBYLEX', runsKey, '[' .. node .. '\0', '(' .. node .. '\1', 'LIMIT', 0, pieceSize)) do
  runs[i] = string.sub(member, #node + 2)
end

local isEmpty = #ids < pieceSize
if isEmpty and #runs == 0 then
  redis.call('ZREM', nodesKey, node)
  redis.call('HDEL', infoKey, node)
end
if leaving ~= '' then
  -- Runs that it could not end are for those who sweep.
  if isEmpty and #runs > 0 then redis.call('ZADD', nodesKey, 'XX', 0, node) end
  return { node, removed, isEmpty and 0 or 1, runs, 0 }
end
-- There may be another node.
return { node, removed, 1, runs, 0 }
