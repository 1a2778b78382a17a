-- Positions: ms * 1024 + seq of an event id (event/position.ts), exact in a double until the year 2248.

local POSITIONS_PER_MS = 1024

local function toId(position)
  return string.format('%.0f-%.0f', math.floor(position / POSITIONS_PER_MS), position % POSITIONS_PER_MS)
end

local function toPosition(id)
  local dash = string.find(id, '-', 1, true)
  return string.sub(id, 1, dash - 1) * POSITIONS_PER_MS + string.sub(id, dash + 1)
end

-- The oldest entry of a log, if there is one; and the position up to which nothing before that entry is missing: the
-- `prev` in its record. Of an entry that the hub did not write that is its own, and where the key holds no stream, `last`.
local function oldestOf(log, last)
  local reply = redis.pcall('XRANGE', log, '-', '+', 'COUNT', 1)
  if reply.err then return nil, last end
  local entry = reply[1]
  if not entry then return nil end
  return entry, tonumber(string.match(entry[2][2], '^%d+ (%d+) ')) or toPosition(entry[1])
end

-- The time of Redis, in ms.
local function readTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
