-- Finds the last events of some channels together.
--
-- KEYS[1]   clock  as in publish.lua
-- KEYS[2]   tombstones  as in include/tombstones.lua; the key of the clock where the caller knows of none
-- KEYS[3…]  logs
-- ARGV[1]   retention  ms
-- ARGV[2]   count      how many events
--
-- Returns the position before them, no earlier than from where on every one of the logs is whole, and behind it theirs, the
-- newest first; of an unused hub, -1 alone. 0: as in read.lua.

-- @include position
-- @include clock
-- @include evictions
-- @include tombstones
-- @include oldest
-- @include logs

local clockKey, tombstonesKey, retentionText, count = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local FIRST_LOG = 3

local clock = redis.call('HMGET', clockKey, 'last', 'since', 'retention', 'raised', 'buried')
if not (clock[1] and clock[2]) then return { -1 } end
local now = readTime() * POSITIONS_PER_MS
local last = tonumber(clock[1])
if count == 0 then return { last } end
if needsTombstones(clockKey, tombstonesKey, clock[5], last) then return 0 end
local memory = now - tonumber(clock[3] or retentionText) * POSITIONS_PER_MS
local evictions = evictionReader(clockKey, last, memory)
local function tombstone(log) return tombstoneOf(tombstonesKey, clock[5], log, last) end

local logStart = sinceAt(tonumber(clock[2]), clock[4], now)
local positions = {}
for i = FIRST_LOG, #KEYS do
  local log = KEYS[i]
  local first, from = readStart(log, last, memory, evictions, 0, tombstone)
  if from > logStart then logStart = from end
  if first then
    for _, entry in ipairs(redis.call('XREVRANGE', log, '+', '-', 'COUNT', count)) do
      positions[#positions + 1] = toPosition(entry[1])
    end
  end
end
table.sort(positions, function(a, b) return a > b end)
local oldest = positions[math.min(count, #positions)]
local found = { math.max(oldest and oldest - 1 or last, logStart) }
for i = 1, math.min(count, #positions) do
  if positions[i] > found[1] then found[i + 1] = positions[i] end
end
return found
