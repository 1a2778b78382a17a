-- Publishes events, in their order. Each in one step, since with XADD and PUBLISH as two commands announcements overtake
-- one another (docs/decisions/001); and several at once, since much of what a script costs it costs once.
--
-- KEYS[1] clock  as in include/append.lua
-- then for each event:
-- KEYS    log    of the channel
-- KEYS    once   only where it has an idempotency key: remembers the position of the publish with this key
-- KEYS    run    only where it is of a run: as in include/run.lua
--
-- ARGV[1] maxLength  of the logs
-- ARGV[2] retention  of the logs, ms
-- ARGV[3] window     how long `once` is kept, ms
-- then for each event:
-- ARGV    pubSubChannel  pub/sub channel
-- ARGV    flags       of the record
-- ARGV    text        the SSE text after the id line
-- ARGV    guard       0: none; 1: it has an idempotency key; else the fence of its run, as in include/run.lua
-- and at last:
-- ARGV    replid      as in include/line.lua
--
-- Returns of each event its position, or in words why it was refused, and then nothing of it was stored; and what
-- include/line.lua has for a caller that does not know the line.
-- @include position
-- @include clock
-- @include line
-- @include append
-- @include run

local clock = openClock(KEYS[1], ARGV[2], (#ARGV - 4) / 4, ARGV[#ARGV])

local results, runs, key = {}, {}, 1
for i = 4, #ARGV - 1, 4 do
  key = key + 1
  local logKey, guard, onceKey, run = KEYS[key], ARGV[i + 3], nil, nil
  local position, failure
  if guard ~= '0' then key = key + 1 end
  if guard == '1' then
    onceKey = KEYS[key]
    local first = redis.pcall('GET', onceKey)
    if type(first) == 'string' then position = tonumber(first) end
    if type(first) == 'table' then failure = first.err end
  elseif guard ~= '0' then
    position, failure = admit(runs, KEYS[key], guard)
    run = runs[KEYS[key]]
  end
  if not position and not failure then
    -- What is no stream where the log should be fails before anything is written.
    local ran, result, reason = pcall(append, clock, logKey, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[1], onceKey, ARGV[3])
    if ran then position, failure = result, reason else failure = type(result) == 'table' and result.err or tostring(result) end
    if position and run then noteStored(run, position) end
  end
  results[#results + 1] = position or failure
end
saveRuns(runs, clock.ms)
results[#results + 1] = clock.line
return results
