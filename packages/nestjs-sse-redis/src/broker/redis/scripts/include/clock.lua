-- What the clock of the hub says: a hash of last (the last position given out), since (from where on this Redis remembers
-- the hub whole), retention, and raised: where the retention was made longer, the position of that and the shorter one, ms.
-- Needs include/position.lua.

-- Returns the last position, and since. A clock without one of the two is new, or what a loss of data left of one:
-- nothing before now is remembered. It begins in the next millisecond, since before its data were lost Redis may have
-- given out ids of this one; and no event is older than `since`, or its record would claim a `prev` after itself.
-- Redis evicts a clock under `allkeys-lru` as any key, also twice within a millisecond. So each microsecond moves the beginning by a
-- position: a clock gives out fewer than that, and no id stands for two events.
local function beginningOf(clock)
  local last, since = tonumber(clock[1]), tonumber(clock[2])
  if last and since then return last, since end
  local time = redis.call('TIME')
  local now = time[1] * 1000 * POSITIONS_PER_MS + math.floor(time[2] * POSITIONS_PER_MS / 1000)
  local start = math.max(last or 0, since or 0, now + POSITIONS_PER_MS)
  return start, start
end

-- sinceAt(…): from where on this Redis remembers the hub whole, by now. Logs that were written before the retention was made longer
-- expire under the shorter one; those events are forgotten one after the other, the last when it was raised.
local function sinceAt(since, raised, now)
  if not raised then return since end
  local at, shorter = string.match(raised, '^(%d+) (%d+)$')
  if not at then return since end
  return math.max(since, math.min(tonumber(at), now - shorter * POSITIONS_PER_MS))
end

-- raise(…): the field `raised` from now on. Of several shorter retentions that logs may still have the shortest counts.
local function raise(raised, now, last, shorter)
  local at, before = string.match(raised or '', '^(%d+) (%d+)$')
  if at and tonumber(at) > now - before * POSITIONS_PER_MS then shorter = math.min(shorter, tonumber(before)) end
  return string.format('%.0f %.0f', math.max(now, last), shorter)
end
