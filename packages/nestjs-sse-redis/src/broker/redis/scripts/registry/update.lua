-- Changes the channels of a connection. KEYS and ARGV[1…3] as in include/registry.lua.
--
-- ARGV[4] id
-- ARGV[5] index    the second line of its record from now on
-- ARGV[6] json     the third
--
-- The script finds the difference by the record as it is. So the indexes never differ from the records, and an update
-- that is sent again is announced once.
--
-- Returns 1, or 0 if it is not registered.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include registry

local id, indexLine, json = ARGV[4], ARGV[5], ARGV[6]

local record = redis.call('HGET', connectionsKey, id)
if not record then return 0 end
local since, before = parse(record)
local after = cjson.decode(indexLine)

-- The channels of one index that the other has not.
local function channelsOnlyIn(index, other)
  local channels, known = {}, {}
  for c = 3, #other do known[other[c]] = true end
  for c = 3, #index do
    if not known[index[c]] then channels[#channels + 1] = index[c] end
    known[index[c]] = true
  end
  return channels
end

local added, removed = channelsOnlyIn(after, before), channelsOnlyIn(before, after)
local at, changes = nowMs(), {}
-- Strings, and at least one: cjson makes of them what JSON.stringify would.
if #added > 0 then changes[1] = change('subscribed', at, since, json, ',"channels":' .. cjson.encode(added)) end
if #removed > 0 then
  changes[#changes + 1] = change('unsubscribed', at, since, json, ',"channels":' .. cjson.encode(removed))
end
local failure = announce(changes)
if failure then return failure end

redis.call('HSET', connectionsKey, id, since .. '\n' .. indexLine .. '\n' .. json)
for _, channel in ipairs(added) do redis.call('ZADD', channelsKey, 0, channelMember(channel, before[1], id)) end
for _, channel in ipairs(removed) do redis.call('ZREM', channelsKey, channelMember(channel, before[1], id)) end
return 1
