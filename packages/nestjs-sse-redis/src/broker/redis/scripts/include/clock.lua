-- What the clock of the hub says: a hash of last (the last position given out), since (from where on this Redis remembers
-- the hub whole) and retention. Needs include/position.lua.

-- Returns the last position, and since. A clock without one of the two is new, or what a loss of data left of one:
-- nothing before now is remembered. It begins in the next millisecond, since before its data were lost Redis may have
-- given out ids of this one; and no event is older than `since`, or its record would claim a `prev` after itself.
local function beginningOf(clock, now)
  local last, since = tonumber(clock[1]), tonumber(clock[2])
  if last and since then return last, since end
  local start = math.max(last or 0, since or 0, now + POSITIONS_PER_MS)
  return start, start
end
