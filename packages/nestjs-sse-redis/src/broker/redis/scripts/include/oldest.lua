-- Needs include/position.lua.

-- The oldest entry of a log, if there is one; and the position up to which nothing before that entry is missing: the
-- `prev` in its record. Of an entry that the hub did not write that is its own, and where the key holds no stream, `last`.
local function oldestOf(log, last)
  local reply = redis.pcall('XRANGE', log, '-', '+', 'COUNT', 1)
  if reply.err then return nil, last end
  local entry = reply[1]
  if not entry then return nil end
  return entry, tonumber(string.match(entry[2][2], '^%d+ (%d+) ')) or toPosition(entry[1])
end
