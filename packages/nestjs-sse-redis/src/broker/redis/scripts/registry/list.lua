-- Reads connections in the order of an index.
--
-- KEYS[1] connections  as in include/registry.lua
-- KEYS[2] index        a zset of include/registry.lua, whose members are ids, or end with \0 and an id
-- ARGV[1] min          as ZRANGEBYLEX takes it
-- ARGV[2] max
-- ARGV[3] limit
--
-- Returns member, record, member, record …: one more than the limit, if there is one.

local connectionsKey, index = KEYS[1], KEYS[2]
local min, max, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

local members = redis.call('ZRANGEBYLEX', index, min, max, 'LIMIT', 0, limit + 1)
local reply = {}
for _, member in ipairs(members) do
  reply[#reply + 1] = member
  reply[#reply + 1] = redis.call('HGET', connectionsKey, string.match(member, '[^%z]*$'))
end
return reply
