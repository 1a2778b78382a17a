-- Starts a run on a channel, unless one is running.
--
-- KEYS[1] clock  as in include/append.lua
-- KEYS[2] log    of the channel
-- KEYS[3] run    as in include/run.lua
-- KEYS[4] tombstones  as in include/tombstones.lua
-- ARGV[1] maxLength  of the log
-- ARGV[2] retention  of the logs, ms
-- ARGV[3] pubSubChannel
-- ARGV[4] node
-- ARGV[5] token      of the call: called again, it is the run that it began
-- ARGV[6] text       of the event with which it begins
-- ARGV[7] replaced   id of a run that is ended first; '': none
-- ARGV[8] state      of the replaced run from now on
-- ARGV[9] endText    of its end
-- ARGV[10] age       ms for which events of the log are kept, where it has a time of its own; '': as the retention says
-- ARGV[#] replid     as in include/line.lua
--
-- Returns 1 if it is this call's run, else 0; and of the channel's run: id, node, state, began; or in words why not.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include run

local clockKey, logKey, runKey, tombstonesKey = unpack(KEYS, 1, 4)
local maxLength, retention, pubSubChannel, node, token, text = unpack(ARGV, 1, 6)
local replaced, replacedState, endText, age = unpack(ARGV, 7, 10)
local own = age ~= '' and { age = tonumber(age), expiry = tonumber(age) } or nil

local stored = redis.call('HMGET', runKey, 'id', 'state', 'node', 'began', 'token')
local id, state = stored[1] or '', stored[2]
local isReplaced = state == 'running' and id ~= '' and id == replaced
if state == 'running' and not isReplaced then
  return { stored[5] == token and 1 or 0, id, stored[3] or '', state, stored[4] or '0' }
end

local clock = openClock(clockKey, retention, 2, ARGV[#ARGV], nil, tombstonesKey)
if isReplaced then
  local position, failure = append(clock, logKey, pubSubChannel, 'x', endText, maxLength, nil, nil, own)
  if not position then return redis.error_reply(failure) end
  redis.call('HSET', runKey, 'state', replacedState)
end
local position, failure = append(clock, logKey, pubSubChannel, 't', text, maxLength, nil, nil, own)
if clock.shortLived then bury(clock) end
if not position then return redis.error_reply(failure) end
local began = string.format('%.0f', clock.ms)
id = toId(position) .. clock.idSuffix
redis.call('DEL', runKey)
if isReplaced then redis.call('HSET', runKey, 'before', replaced .. ' ' .. replacedState) end
redis.call('HSET', runKey, 'id', id, 'node', node, 'token', token, 'state', 'running', 'seq', '0', 'last', string.format('%.0f', position), 'began', began)
local reply = { 1, id, node, 'running', began }
reply[#reply + 1] = clock.line
return reply
