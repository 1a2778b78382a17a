-- Gives an event its place in the order of the hub, appends it to its channel's log and announces it: all in one
-- step, since with XADD and PUBLISH as two commands announcements overtake one another (docs/decisions/001).
--
-- KEYS[1] clock   hash: last (the last position given out), since (from where on this Redis remembers the hub
--                 whole), retention (of whoever published last)
-- KEYS[2] log     stream of the channel; its entries have one field, r: the record
-- KEYS[3] once    optional: remembers the position of the publish with this idempotency key
-- ARGV[1] announceTo  pub/sub channel
-- ARGV[2] flags       of the record (event/event-record.ts); 'e' in it: ephemeral, not to be logged
-- ARGV[3] text        the SSE text after the id line
-- ARGV[4] maxLength   of the log
-- ARGV[5] retention   of the log, ms
-- ARGV[6] window      how long KEYS[3] is kept, ms
--
-- Returns the position: ms * 1024 + seq of the event id, exact in a double until the year 2248.

if KEYS[3] then
  local first = redis.call('GET', KEYS[3])
  if first then return tonumber(first) end
end

local clock = redis.call('HMGET', KEYS[1], 'last', 'since', 'retention')
local time = redis.call('TIME')
local now = (time[1] * 1000 + math.floor(time[2] / 1000)) * 1024
local retention = tonumber(ARGV[5])
-- A new clock begins in the next millisecond: before its data were lost, Redis may have given out ids of this one.
local last, since = tonumber(clock[1] or now + 1024), tonumber(clock[2] or now + 1024)
local position = math.max(now, last + 1)

local function positionOf(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms * 1024 + seq
end

-- Where there is no log, nothing was published to the channel within the retention, or it would be here.
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local prev
if newest then
  prev = positionOf(newest[1])
  -- Only where the clock key is younger than the log (evicted, deleted): the log's own order must hold all the same.
  if position <= prev then position = prev + 1 end
else
  prev = math.max(now - retention * 1024, since)
end

if clock[3] ~= ARGV[5] then
  -- The retention was changed, or the clock is new. What expired under the shorter one is not remembered.
  if clock[3] then since = math.max(since, now - math.min(retention, tonumber(clock[3])) * 1024) end
  redis.call('HSET', KEYS[1], 'last', string.format('%.0f', position), 'since', string.format('%.0f', since), 'retention', ARGV[5])
else
  redis.call('HSET', KEYS[1], 'last', string.format('%.0f', position))
end

local id = string.format('%.0f-%.0f', math.floor(position / 1024), position % 1024)
-- 'f': the first of its log, whose prev is a bound.
local record = string.format('%.0f %.0f ', position, prev) .. ARGV[2] .. (newest and '' or 'f') .. '\nid: ' .. id .. '\n' .. ARGV[3]

local ephemeral = string.find(ARGV[2], 'e', 1, true)
local function write()
  if not ephemeral then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], id, 'r', record)
    -- By age as well: a channel that is never quiet would keep events beyond the retention.
    redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f', math.floor(now / 1024) - retention))
    -- Later than `prev` of a new log claims, since TIME may be some ms ahead of the clock by which Redis expires keys.
    redis.call('PEXPIRE', KEYS[2], retention + 1000)
  end
  if KEYS[3] then redis.call('SET', KEYS[3], string.format('%.0f', position), 'PX', ARGV[6]) end
  redis.call('PUBLISH', ARGV[1], record)
end

-- Redis does not undo what a script did before it failed (at PUBLISH, say, where the ACL forbids the channel); but
-- who gets an error must know that nothing was stored.
local written, failure = pcall(write)
if not written then
  if not ephemeral then redis.pcall('XDEL', KEYS[2], id) end
  if KEYS[3] then redis.pcall('DEL', KEYS[3]) end
  return redis.error_reply(type(failure) == 'table' and failure.err or failure)
end
return position
