-- Finds where logs begin.
--
-- KEYS[1]   clock  as in publish.lua
-- KEYS[2]   tombstones  as in include/tombstones.lua; the key of the clock where the caller knows of none
-- KEYS[3…]  logs
-- ARGV[1]   retention  ms
--
-- Returns of each log the position after which it is read whole, and 1 if older events of it were trimmed or evicted, else 0; -1 and
-- 0 where there is no log. 0: as in read.lua.

-- @include position
-- @include clock
-- @include evictions
-- @include tombstones
-- @include oldest
-- @include logs

local clockKey, tombstonesKey, retentionText = KEYS[1], KEYS[2], ARGV[1]
local FIRST_LOG = 3

local clock = redis.call('HMGET', clockKey, 'last', 'since', 'retention', 'buried')
local now = readTime() * POSITIONS_PER_MS
local last = tonumber(clock[1] or now)
if needsTombstones(clockKey, tombstonesKey, clock[4], last) then return 0 end
local memory = now - tonumber(clock[3] or retentionText) * POSITIONS_PER_MS
local evictions = evictionReader(clockKey, last, memory)
local function tombstone(log) return tombstoneOf(tombstonesKey, clock[4], log, last) end

local starts = {}
for i = FIRST_LOG, #KEYS do
  local first, from = readStart(KEYS[i], last, memory, evictions, 0, tombstone)
  if first then
    -- `f`: the first of its log, unless one before it was evicted.
    local prev = tonumber(string.match(first[2][2], '^%d+ (%d+) %l*f'))
    starts[#starts + 1] = from
    starts[#starts + 1] = prev == from and 0 or 1
  else
    starts[#starts + 1] = -1
    starts[#starts + 1] = 0
  end
end
return starts
