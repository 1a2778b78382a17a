-- Publishes events, in their order. Each in one step, since with XADD and PUBLISH as two commands announcements overtake
-- one another (docs/decisions/001); and several at once, since much of what a script costs it costs once.
--
-- KEYS[1] clock  as in include/append.lua
-- then for each event:
-- KEYS    log    of the channel
-- KEYS    once   only where it has an idempotency key: remembers the position of the publish with this key
-- KEYS    run    only where it is of a run: as in include/run.lua
-- KEYS    keys   only where it is of a state channel, whose log is before it: as in include/state.lua
-- KEYS    copy   only where it is copied: the log in which the events of many channels stand together
-- and at last:
-- KEYS    tombstones  as in include/tombstones.lua; only where a log is kept for a time of its own, or this script has asked for it. While
--                a slot of a cluster moves, a key that is not there makes publishing wait
--
-- ARGV[1] maxLength  of the logs; '': what the clock says
-- ARGV[2] retention  of the logs, ms; '': what the clock says
-- ARGV[3] window     how long `once` is kept, ms
-- then for each event:
-- ARGV    pubSubChannel  pub/sub channel
-- ARGV    flags       of the record; of an event of a state channel as in include/state.lua
-- ARGV    text        the SSE text after the id line
-- ARGV    maxLength   of the log, where it has one of its own, else ''. In the same argument, since each costs time: `:age:expiry:`
--                     before it, where the log is kept for a time of its own (ms; either may be empty), and before that a minus
--                     where the event has an idempotency key; a space and its fence behind it, of an event of a run (include/run.lua)
-- and once more, where it is copied, which it is where it was stored or announced now:
-- ARGV    pubSubChannel  of the copies
-- ARGV    flags       `c `, and the flags of the copy's record
-- ARGV    head        what stands in the type of the copy between the id of the event and its type (broker/event-copy.ts)
-- ARGV    maxLength   of the copies, as above
-- and at last:
-- ARGV    'tombstones'  only where their key is among KEYS
-- ARGV    replid      as in include/line.lua
--
-- Returns of each event, and of each copy, its position, or in words why it was refused, and then nothing of it was stored; and what
-- include/line.lua has for a caller that does not know the line. Or 0 and nothing else, having done nothing: the caller has to name
-- the key of tombstones.
-- @include position
-- Longer ones are of an event of a state channel, or of a copy.
local LONGEST_FLAGS = 2
-- @include plain
-- @include clock
-- @include line
-- @include tombstones
-- @include append

-- Functions are made anew in each run, which costs time, and few events are of a run or of a state channel.
local function loadRuns()
-- @include run
  return admit, noteStored, saveRuns
end

local function loadState()
-- @include evictions
-- @include state
  return appendState
end

local window = ARGV[3]
local FIRST_EVENT, MINUS, COLON, MOST_DIGITS, COPY = 4, string.byte('-'), string.byte(':'), 10, string.byte('c')

local hasTombstones = (#ARGV - FIRST_EVENT) % 4 == 1
local last = hasTombstones and #ARGV - 2 or #ARGV - 1
local clock = openClock(KEYS[1], ARGV[2], (last - FIRST_EVENT + 1) / 4, ARGV[#ARGV], ARGV[1], hasTombstones and KEYS[#KEYS], stored)
if not clock then return 0 end

-- In no functions of their own: to make them costs each run, and to call them each event.
local results, runs, key, isNew = {}, {}, 1, false
local admit, noteStored, saveRuns, appendState
for i = FIRST_EVENT, last, 4 do
  key = key + 1
  local logKey, flags, position, failure = KEYS[key], ARGV[i + 1], nil, nil
  local isKeyed = #flags > LONGEST_FLAGS
  if isKeyed and string.byte(flags) == COPY then
    -- The copy of the event before it.
    position = results[#results]
    if isNew then
      local text, maxLength, own = ARGV[i - 2], ARGV[i + 3], nil
      if string.byte(maxLength) == COLON then
        local age, expiry, rest = string.match(maxLength, '^:(%d*):(%d*):(%d*)$')
        own, maxLength = { age = tonumber(age), expiry = tonumber(expiry) }, rest
      end
      local rest = string.sub(text, 1, 7) == 'event: ' and string.sub(text, 8) or '\n' .. text
      text = 'event: ' .. toId(position) .. clock.idSuffix .. ' ' .. ARGV[i + 2] .. rest
      local ran, result, reason = pcall(append, clock, logKey, ARGV[i], string.sub(flags, 3), text, maxLength ~= '' and maxLength or clock.maxLength, nil, nil, own)
      if ran then position, failure = result, reason else position, failure = nil, type(result) == 'table' and result.err or tostring(result) end
    end
  else
    local maxLength, onceKey, run, own, keysKey = ARGV[i + 3], nil, nil, nil, nil
    local sign = string.byte(maxLength)
    if sign == MINUS then
      maxLength = string.sub(maxLength, 2)
      sign = string.byte(maxLength)
      key = key + 1
      onceKey = KEYS[key]
      local first = redis.pcall('GET', onceKey)
      if type(first) == 'string' then position = tonumber(first) end
      if type(first) == 'table' then failure = first.err end
    elseif #maxLength > MOST_DIGITS and string.find(maxLength, ' ', 1, true) then
      local space = string.find(maxLength, ' ', 1, true)
      key = key + 1
      if not admit then admit, noteStored, saveRuns = loadRuns() end
      position, failure = admit(runs, KEYS[key], string.sub(maxLength, space + 1))
      maxLength, run = string.sub(maxLength, 1, space - 1), runs[KEYS[key]]
    end
    if sign == COLON then
      local age, expiry, rest = string.match(maxLength, '^:(%d*):(%d*):(%d*)$')
      own, maxLength = { age = tonumber(age), expiry = tonumber(expiry) }, rest
    end
    if isKeyed then
      key = key + 1
      keysKey = KEYS[key]
    end
    isNew = not position and not failure
    if isNew then
      -- What is no stream where the log should be fails before anything is written.
      local ran, result, reason
      if keysKey then
        appendState = appendState or loadState()
        ran, result, reason = pcall(appendState, clock, logKey, ARGV[i], flags, ARGV[i + 2], onceKey, window, own and own.expiry, keysKey)
      else
        ran, result, reason = pcall(append, clock, logKey, ARGV[i], flags, ARGV[i + 2], maxLength ~= '' and maxLength or clock.maxLength, onceKey, window, own)
      end
      if ran then position, failure = result, reason else failure = type(result) == 'table' and result.err or tostring(result) end
      if position and run then noteStored(run, position) end
      -- A key that is removed and was not there leaves nothing.
      isNew = position and (not keysKey or clock.newest[logKey] == position)
    end
  end
  results[#results + 1] = position or failure
end
if saveRuns then saveRuns(runs, clock.ms) end
if clock.shortLived then bury(clock) end
results[#results + 1] = clock.line
return results
