-- Tells who is on a channel: jumps from user to user, and does not look at their connections.
--
-- KEYS[1] index  of the channel, as in include/registry.lua
-- ARGV[1] after  the user after whom to begin; '': at the first
-- ARGV[2] limit  how many users
--
-- Returns all connections, those of nobody in particular, 1 if there are more users, and user, connections, user …

local index, after, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])

-- \1 comes after the \0 that ends a user, and before every character that a user may have.
local reply = { redis.call('ZCARD', index), redis.call('ZLEXCOUNT', index, '[\0', '(\1'), 0 }
local from = '[' .. after .. '\1'
for i = 0, limit do
  local member = redis.call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, 1)[1]
  if not member then return reply end
  if i == limit then
    reply[3] = 1
    return reply
  end
  local user = string.match(member, '^([^%z]*)')
  from = '[' .. user .. '\1'
  reply[#reply + 1] = user
  reply[#reply + 1] = redis.call('ZLEXCOUNT', index, '[' .. user .. '\0', '(' .. user .. '\1')
end
return reply
