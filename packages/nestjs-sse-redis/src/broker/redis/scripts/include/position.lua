-- Positions, and the numbers that several parts of scripts share. A position is ms * 1024 + seq of an event id (event/position.ts), exact in a double until the year 2248.

local POSITIONS_PER_MS = 1024

-- Whole numbers as text. '%.0f' is right wherever there is Lua, and costs twice as much. '%d' is wrong where a `long` of C has 32 bits.
local isWide = string.format('%d', 2 ^ 40) == '1099511627776'
local WHOLE = isWide and '%d' or '%.0f'
local ID = isWide and '%d-%d' or '%.0f-%.0f'

-- Of the history of a server, which INFO gives in 40 digits.
local REPLID_DIGITS = 10

-- How often a busy log is trimmed while an event grows as old as events are kept.
local TRIMS_WITHIN_AGE = 64

-- The flag of an ephemeral event, behind its kind: an e.
local EPHEMERAL = 101

-- Logs outlive what is claimed of them, ms.
local EXPIRY_MARGIN = 1000

local function toId(position)
  return string.format(ID, math.floor(position / POSITIONS_PER_MS), position % POSITIONS_PER_MS)
end

local function toPosition(id)
  local dash = string.find(id, '-', 1, true)
  return string.sub(id, 1, dash - 1) * POSITIONS_PER_MS + string.sub(id, dash + 1)
end

-- The time of Redis, in ms.
local function readTime()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
