-- Publishes one event to a channel of nestjs-sse-redis, from any language (docs/publishing.md).
--
--   redis-cli --eval publish-event.lua '{sse}:clock' '{sse}:log:news' '{sse}:live:0:c:news' , json article '{"headline":"Hello"}'
--
-- KEYS[1] clock  {<prefix>}:clock
-- KEYS[2] log    {<prefix>}:log:<channel>
-- KEYS[3] live   {<prefix>}:live:<number of the database>:c:<channel>
-- KEYS[4] once   {<prefix>}:once:<characters of the channel>:<channel>:<key>; only with the option `key`
-- ARGV[1] kind   json or text: what hub.events() makes of the data
-- ARGV[2] type   of the event; empty: a `message`
-- ARGV[3] data
-- ARGV[4…]       options, each a name and a value:
--   key        idempotency key: a repeated publish sends nothing and returns the id of the first
--   window     for how long that is remembered, ms. Default 600000
--   ephemeral  1: only for those who are connected; kept nowhere
--   limit      the largest data, in bytes. Default 1048576
--
-- Returns the id of the event. How much is kept, and for how long, is what the hub has noted in its clock.
-- Errors, with nothing stored: INVALID_ARGUMENT, INVALID_CHANNEL (as that of a state channel, to which this script publishes nothing), INVALID_EVENT, PAYLOAD_TOO_LARGE, NO_HUB, WRONG_SCRIPT, and Redis' own.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include utf8
-- @include json
-- @include foreign

-- The script for clusters is made of this one by naming the other command.
local IS_SHARDED = 'PUBLISH' ~= 'PUB' .. 'LISH'
local WINDOW, LIMIT = 600000, 1048576
local OPTIONS = { key = true, window = true, ephemeral = true, limit = true }

local function toNumber(name, value, fallback)
  if value == nil then return fallback end
  if not string.find(value, '^[1-9]%d*$') or #value > 15 then
    refuse('INVALID_ARGUMENT', name .. ' takes a whole number from 1 on')
  end
  return tonumber(value)
end

local function readOptions()
  local options = {}
  for i = 4, #ARGV, 2 do
    if not OPTIONS[ARGV[i]] then
      refuse('INVALID_ARGUMENT', 'there is no option "' .. ARGV[i] .. '" (there are key, window, ephemeral, limit)')
    end
    if not ARGV[i + 1] then refuse('INVALID_ARGUMENT', 'the option ' .. ARGV[i] .. ' has no value') end
    options[ARGV[i]] = ARGV[i + 1]
  end
  if options.ephemeral and options.ephemeral ~= '0' and options.ephemeral ~= '1' then
    refuse('INVALID_ARGUMENT', 'ephemeral takes 0 or 1')
  end
  return options
end

local function expectKey(i, expected)
  if KEYS[i] ~= expected then refuse('INVALID_ARGUMENT', 'KEYS[' .. i .. '] has to be ' .. expected) end
end

local function liveKey(tag, database, channel)
  return tag .. ':live:' .. database .. ':c:' .. channel
end

-- Names that do not belong together would make an event that some clients get and others do not.
local function checkKeys(key)
  local tag = string.match(KEYS[1] or '', '^({.+}):clock$')
  if not tag then refuse('INVALID_ARGUMENT', 'KEYS[1] has to be {<prefix>}:clock') end
  local log = tag .. ':log:'
  if string.sub(KEYS[2] or '', 1, #log) ~= log then refuse('INVALID_ARGUMENT', 'KEYS[2] has to be ' .. log .. '<channel>') end
  local channel = string.sub(KEYS[2], #log + 1)
  checkChannel(channel)
  local database = string.match(string.sub(KEYS[3] or '', #tag + 1), '^:live:(%d+):c:')
  expectKey(3, liveKey(tag, database or '0', channel))
  if key then
    if key == '' then refuse('INVALID_ARGUMENT', 'an idempotency key must not be empty') end
    checkText('INVALID_ARGUMENT', 'an idempotency key', key)
    expectKey(4, string.format('%s:once:%d:%s:%s', tag, lengthOf(channel), channel, key))
  elseif KEYS[4] then
    refuse('INVALID_ARGUMENT', 'KEYS[4] goes with the option key')
  end
  return channel, tag
end

-- A hub on a cluster hears what its node alone announces, and another hub does not hear that.
local function checkServer()
  local info = redis.pcall('INFO', 'cluster')
  local isCluster = type(info) == 'string' and string.match(info, 'cluster_enabled:(%d)')
  if isCluster == '1' and not IS_SHARDED then
    refuse('WRONG_SCRIPT', 'this is a Redis Cluster: run publish-event.cluster.lua')
  elseif isCluster == '0' and IS_SHARDED then
    refuse('WRONG_SCRIPT', 'this is no Redis Cluster: run publish-event.lua')
  end
end

-- The events of a state channel need a key, and the place that its definition has for it. Not among KEYS, which callers wrote before there
-- were any. It is in the slot of the others.
local function checkState(channel)
  local stateKeys = string.match(KEYS[1], '^(.*:)clock$') .. 'keys:' .. channel
  if type(redis.pcall('ZSCORE', stateKeys, 'count')) ~= 'string' then return end
  refuse('INVALID_CHANNEL', 'it is a state channel: publish with a hub or createPublisher(), with its definition and a key')
end

-- A wrong prefix would store events that nobody is sent; and a wrong number of the database would announce them to the clients of a hub
-- in another one, while those of this hub wait. A hub of a release before has not noted the number, nor has one with shards,
-- whose registry alone is told.
local function checkHub(channel, tag)
  local clock = redis.call('HMGET', KEYS[1], 'last', 'since', 'retention', 'db')
  if not (clock[1] and clock[2] and clock[3]) then
    refuse('NO_HUB', 'no hub has noted anything in ' .. KEYS[1] .. ': is the prefix right, and has a hub been started?')
  end
  if clock[4] then expectKey(3, liveKey(tag, clock[4], channel)) end
end

-- The id under which a repeated event was sent: a failover since then would give it another end.
local function idOf(clock, position)
  local id = toId(position)
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  return entry and string.match(entry[2][2], '^[^\n]*\nid: ([^\n]+)\n') or id .. clock.idSuffix
end

local function publish()
  if #ARGV < 3 then refuse('INVALID_ARGUMENT', 'the arguments are kind, type and data, and then options') end
  local kind, eventType = ARGV[1], ARGV[2]
  local options = readOptions()
  local channel, tag = checkKeys(options.key)
  checkType(eventType)
  local window, limit = toNumber('window', options.window, WINDOW), toNumber('limit', options.limit, LIMIT)
  local text = formatEvent(eventType, checkData(kind, ARGV[3], limit))
  checkServer()
  checkHub(channel, tag)
  checkState(channel)
  local first = KEYS[4] and redis.call('GET', KEYS[4])
  -- Not among KEYS, which callers wrote before there was one. It is in the slot of the others.
  local tombstonesKey = string.match(KEYS[1], '^(.*:)clock$') .. 'tombstones'
  -- Nothing is known here of the line, nor told of the history.
  local clock = openClock(KEYS[1], '', first and 0 or 1, '', nil, tombstonesKey)
  if first then return idOf(clock, tonumber(first)) end
  local flags = (kind == 'json' and 'j' or 't') .. (options.ephemeral == '1' and 'e' or '')
  local position, failure = append(clock, KEYS[2], KEYS[3], flags, text, clock.maxLength, KEYS[4], window)
  return position and toId(position) .. clock.idSuffix or redis.error_reply(failure)
end

local ran, result = pcall(publish)
if ran then return result end
if type(result) == 'table' then return redis.error_reply(result.refusal or result.err) end
-- Words of Redis. 6.2 puts the place in the script before them.
local words = string.match(result, '^%u[%u_]+ .*$') or string.match(result, '%-(%u[%u_]+ .*)$')
return redis.error_reply(words or 'ERR ' .. result)
