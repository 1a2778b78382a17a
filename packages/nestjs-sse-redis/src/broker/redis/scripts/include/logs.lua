-- Where logs begin, and those of state channels. Needs include/position.lua, include/oldest.lua,
-- include/evictions.lua and include/tombstones.lua.

-- Whether the caller has to name the key of tombstones, and named that of the clock in its place. A key that is not there would make the
-- caller wait while a slot of a cluster moves.
local function needsTombstones(clockKey, tombstonesKey, buried, last)
  return tombstonesKey == clockKey and buried and tonumber(buried) >= last
end

-- readStart(…): the oldest entry of a log, if there is one; and the position from which on nothing of the channel is missing.
--
-- log        stream
-- last       the last position given out
-- memory     the position from which on logs are kept
-- evictions  of evictionReader
-- after      a cursor before which nothing is asked for
-- tombstone  a function of the log, as tombstoneOf
local function readStart(log, last, memory, evictions, after, tombstone)
  local first, prev = oldestOf(log, last)
  -- No log means that the last event expired, or that Redis evicted it.
  if not prev then return nil, math.max(memory, evictions().to, tombstone(log)) end
  local begin = first and toPosition(first[1])
  -- `prev` of the first event of a log is a bound, which says that there was no log before. Was one evicted, though?
  if first and begin - 1 > math.max(after, prev) and string.find(first[2][2], '^%d+ %d+ %l*f') then
    local evicted = evictions()
    if begin > evicted.from and prev < evicted.to then prev = math.min(begin - 1, evicted.to) end
  end
  return first, prev
end

-- readStateStart(…): the same of a state channel: from that position on all removals are in the log, and the entries before it are of the
-- map, whole. And the position from which on nothing was published that is not accounted for: that is earlier where no removal was
-- forgotten, since a map that has just begun may follow one that is forgotten whole.
--
-- keysKey  as in include/state.lua
local function readStateStart(log, keysKey, last, memory, evictions, tombstone)
  local first, bound = readStart(log, last, memory, evictions, last, tombstone)
  -- Nobody has anything of it any more.
  if not first then return nil, last, bound end
  local floor, known = redis.pcall('ZSCORE', keysKey, 'floor'), redis.pcall('ZSCORE', keysKey, 'known')
  if type(floor) == 'string' and type(known) == 'string' then return first, -tonumber(floor), -tonumber(known) end
  -- Evicted: the next event makes it anew.
  local newest = toPosition(redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1][1])
  return first, newest, newest
end
