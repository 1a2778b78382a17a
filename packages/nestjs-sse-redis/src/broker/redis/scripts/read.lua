-- Reads channels from after a cursor each, together with what tells whether anything is missing.
--
-- KEYS[1]   clock   as in publish.lua; made here if it is not there
-- KEYS[2…]  logs    one a request
-- ARGV[1]   retention  of the logs, ms; the clock's own, if it has one, goes before it
-- ARGV[2]   records    the most of one log
-- ARGV[3]   bytes      about the most of one log; one record is read however large it is
-- ARGV[4…]  after      the cursors, as positions, one a log
--
-- Returns { last, slice… }, a slice being { wholeFrom, upTo, ended, record… } (broker.interface.ts: LogSlice).

local BATCH = 16 -- records may be large, and what XRANGE returns is all in memory at once

local clock = redis.call('HMGET', KEYS[1], 'last', 'since', 'retention')
local time = redis.call('TIME')
local now = (time[1] * 1000 + math.floor(time[2] / 1000)) * 1024
local last, since = tonumber(clock[1]), tonumber(clock[2])
if not last then
  -- In the next millisecond, as in publish.lua.
  last, since = now + 1024, now + 1024
  local value = string.format('%.0f', last)
  redis.call('HSET', KEYS[1], 'last', value, 'since', value, 'retention', ARGV[1])
end
local retention = tonumber(clock[3] or ARGV[1])
local maxRecords, maxBytes = tonumber(ARGV[2]), tonumber(ARGV[3])

local function idOf(position)
  return string.format('%.0f-%.0f', math.floor(position / 1024), position % 1024)
end

local function positionOf(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms * 1024 + seq
end

local reply = { last }
for i = 2, #KEYS do
  local log, after = KEYS[i], tonumber(ARGV[i + 2])
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  -- An entry carries the position of the one before it; no log means that the last one expired.
  local wholeFrom = first and tonumber(string.match(first[2][2], '^%d+ (%d+)')) or now - retention * 1024
  if wholeFrom < since then wholeFrom = since end

  local slice = { wholeFrom, last, 0 }
  local count, bytes, truncated = 0, 0, false
  local from = '(' .. idOf(after)
  while first and not truncated do
    local batch = redis.call('XRANGE', log, from, '+', 'COUNT', BATCH)
    for _, entry in ipairs(batch) do
      local record = entry[2][2]
      if count > 0 and (count >= maxRecords or bytes + #record > maxBytes) then
        truncated = true
        break
      end
      slice[#slice + 1] = record
      count, bytes = count + 1, bytes + #record
      slice[2] = positionOf(entry[1])
      from = '(' .. entry[1]
    end
    if #batch < BATCH then break end
  end
  if not truncated then slice[2] = last end

  if first and count == 0 then
    local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    if string.match(newest[2][2], '^%d+ %d+ x') then slice[3] = 1 end
  end
  reply[#reply + 1] = slice
end
return reply
