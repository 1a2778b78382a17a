-- Publishes an event: all in one step, since with XADD and PUBLISH as two commands announcements overtake one another
-- (docs/decisions/001).
--
-- KEYS[1] clock   as in include/append.lua
-- KEYS[2] log     of the channel
-- KEYS[3] once    optional: remembers the position of the publish with this idempotency key
-- ARGV[1] announceTo  pub/sub channel
-- ARGV[2] flags       of the record
-- ARGV[3] text        the SSE text after the id line
-- ARGV[4] maxLength   of the log
-- ARGV[5] retention   of the log, ms
-- ARGV[6] window      how long KEYS[3] is kept, ms
--
-- Returns the position.
-- @include append

local remember, forget
if KEYS[3] then
  local first = redis.call('GET', KEYS[3])
  if first then return tonumber(first) end
  remember = function(position) redis.call('SET', KEYS[3], string.format('%.0f', position), 'PX', ARGV[6]) end
  forget = function() redis.pcall('DEL', KEYS[3]) end
end

local position, failure = append(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], remember, forget)
return position or failure
