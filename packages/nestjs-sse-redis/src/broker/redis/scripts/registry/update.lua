-- Changes the channels of a connection. KEYS and ARGV[1…4] as in include/registry.lua.
--
-- ARGV[5] id
-- ARGV[6] index    the second line of its record from now on
-- ARGV[7] json     the third
-- ARGV[8] added    channels as a JSON array
-- ARGV[9] removed  the same
--
-- Returns 1, or 0 if it is not registered.
-- @include append
-- @include registry

local record = redis.call('HGET', KEYS[4], ARGV[5])
if not record then return 0 end
local since, index = parse(record)
local member = index[1] .. '\0' .. ARGV[5]
local at, changes = nowMs(), {}
local added, removed = cjson.decode(ARGV[8]), cjson.decode(ARGV[9])
if #added > 0 then changes[1] = change('subscribed', at, since, ARGV[7], ',"channels":' .. ARGV[8]) end
if #removed > 0 then changes[#changes + 1] = change('unsubscribed', at, since, ARGV[7], ',"channels":' .. ARGV[9]) end
local failure = announce(changes)
if failure then return failure end
redis.call('HSET', KEYS[4], ARGV[5], since .. '\n' .. ARGV[6] .. '\n' .. ARGV[7])
for _, channel in ipairs(added) do redis.call('ZADD', ARGV[4] .. 'channel:' .. channel, 0, member) end
for _, channel in ipairs(removed) do redis.call('ZREM', ARGV[4] .. 'channel:' .. channel, member) end
return 1
