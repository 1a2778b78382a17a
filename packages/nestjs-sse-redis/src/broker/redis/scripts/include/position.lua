-- Positions: ms * 1024 + seq of an event id (event/position.ts), exact in a double until the year 2248.

local POSITIONS_PER_MS = 1024

local function toId(position)
  return string.format('%.0f-%.0f', math.floor(position / POSITIONS_PER_MS), position % POSITIONS_PER_MS)
end

local function toPosition(id)
  local dash = string.find(id, '-', 1, true)
  return string.sub(id, 1, dash - 1) * POSITIONS_PER_MS + string.sub(id, dash + 1)
end

-- The `prev` in a record: no event of the log lies between it and the record's own position.
local function prevOf(record)
  return tonumber(string.match(record, '^%d+ (%d+)'))
end

-- The time of Redis, in ms.
local function readTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
