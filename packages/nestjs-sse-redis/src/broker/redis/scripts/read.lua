-- Reads channels from after a cursor each, together with what tells whether anything is missing.
--
-- KEYS[1]   clock   as in publish.lua; made here if it is not there
-- KEYS[2]   tombstones  as in include/tombstones.lua; the key of the clock where the caller knows of none
-- KEYS[3…]  logs    one a request; of a state channel its log and behind it keys, as in include/state.lua
-- ARGV[1]   retention  of the logs, ms; the clock's own, if it has one, goes before it
-- ARGV[2]   records    the most of one log
-- ARGV[3]   bytes      about the most of one log; one record is read however large it is
-- ARGV[4…]  after      the cursors, as positions, one a log; with an `s` before it, of a state channel
-- ARGV[#]   replid     as in include/line.lua
--
-- Returns { last, slice… }, a slice being { logStart, upTo, ended, knownFrom, record… } (broker.interface.ts: LogSlice), where `ended`
-- is 1 if it has, and 2 if there is no log of a state channel;
-- and what include/line.lua has for a caller that does not know the line. 0, having done nothing: it has to name the key of tombstones.

-- @include position
-- @include clock
-- @include line
-- @include evictions
-- @include tombstones
-- @include oldest
-- @include logs

local clockKey, tombstonesKey, retentionText = KEYS[1], KEYS[2], ARGV[1]
local maxRecords, maxBytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local FIRST_LOG, FIRST_AFTER, STATE, EMPTY = 3, 4, string.byte('s'), 2

local BATCH = 16 -- records may be large, and what XRANGE returns is all in memory at once

local clock = redis.call('HMGET', clockKey, 'last', 'since', 'retention', 'replid', 'raised', 'buried')
local now = readTime() * POSITIONS_PER_MS
local last, since = beginningOf(clock)
if needsTombstones(clockKey, tombstonesKey, clock[6], last) then return 0 end
if not (clock[1] and clock[2]) then
  local value = string.format('%.0f', last)
  redis.call('HSET', clockKey, 'last', value, 'since', value, 'retention', retentionText)
end
since = sinceAt(since, clock[5], now)
local memory = now - tonumber(clock[3] or retentionText) * POSITIONS_PER_MS
local evictions = evictionReader(clockKey, last, memory)
local function tombstone(log) return tombstoneOf(tombstonesKey, clock[6], log, last) end

local line = onItsLine(clockKey, clock[4], tonumber(clock[1]), math.max(now, last + 1), ARGV[#ARGV], since)

local reply, key = { last }, FIRST_LOG
for i = FIRST_AFTER, #ARGV - 1 do
  local log, after = KEYS[key], tonumber(ARGV[i])
  local first, logStart, knownFrom
  if string.byte(ARGV[i]) == STATE then
    key, after = key + 1, tonumber(string.sub(ARGV[i], 2))
    first, logStart, knownFrom = readStateStart(log, KEYS[key], last, memory, evictions, tombstone)
  else
    first, logStart = readStart(log, last, memory, evictions, after, tombstone)
  end
  key = key + 1
  if logStart < since then logStart = since end

  local slice = { logStart, last, knownFrom and not first and EMPTY or 0, math.max(knownFrom or logStart, since) }
  local count, bytes, truncated = 0, 0, false
  local from = '(' .. toId(after)
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
      slice[2] = toPosition(entry[1])
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
reply[#reply + 1] = line
return reply
