-- Reads connections in the order of an index.
--
-- KEYS[1] connections  as in include/registry.lua
-- KEYS[2] index        zset whose members are ids, or end with \0 and an id
-- ARGV[1] min          as ZRANGEBYLEX takes it
-- ARGV[2] max
-- ARGV[3] limit
--
-- Returns member, record, member, record …: one more than the limit, if there is one.

local members = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3] + 1)
local reply = {}
for _, member in ipairs(members) do
  reply[#reply + 1] = member
  reply[#reply + 1] = redis.call('HGET', KEYS[1], string.match(member, '[^%z]*$'))
end
return reply
