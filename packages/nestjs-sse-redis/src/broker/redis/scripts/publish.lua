-- Publishes events, in their order. Each in one step, since with XADD and PUBLISH as two commands announcements overtake
-- one another (docs/decisions/001); and several at once, since much of what a script costs it costs once.
--
-- KEYS[1] clock  as in include/append.lua
-- then for each event:
-- KEYS    log    of the channel
-- KEYS    once   only where it has an idempotency key: remembers the position of the publish with this key
--
-- ARGV[1] maxLength  of the logs; '': what the clock says
-- ARGV[2] retention  of the logs, ms; '': what the clock says
-- ARGV[3] window     how long `once` is kept, ms
-- ARGV[4] keep       how many events the logs of this run keep at least
-- then for each event:
-- ARGV    pubSubChannel  pub/sub channel
-- ARGV    flags       of the record
-- ARGV    text        the SSE text after the id line
-- ARGV    hasOnce     1 or 0
-- and at last:
-- ARGV    replid      as in include/line.lua
--
-- Returns of each event its position, or in words why it was refused, and then nothing of it was stored; and what
-- include/line.lua has for a caller that does not know the line.
-- @include position
-- @include clock
-- @include line
-- @include append

local clock = openClock(KEYS[1], ARGV[2], (#ARGV - 5) / 4, ARGV[#ARGV], ARGV[1])
local maxLength = clock.maxLength and math.max(clock.maxLength, tonumber(ARGV[4]))

local results, key = {}, 1
for i = 5, #ARGV - 1, 4 do
  key = key + 1
  local logKey, onceKey = KEYS[key], nil
  local position, failure
  if ARGV[i + 3] == '1' then
    key = key + 1
    onceKey = KEYS[key]
    local first = redis.pcall('GET', onceKey)
    if type(first) == 'string' then position = tonumber(first) end
    if type(first) == 'table' then failure = first.err end
  end
  if not position and not failure then
    -- What is no stream where the log should be fails before anything is written.
    local ran, result, reason = pcall(append, clock, logKey, ARGV[i], ARGV[i + 1], ARGV[i + 2], maxLength, onceKey, ARGV[3])
    if ran then position, failure = result, reason else failure = type(result) == 'table' and result.err or tostring(result) end
  end
  results[#results + 1] = position or failure
end
results[#results + 1] = clock.line
return results
