-- Tells who is on a channel: jumps from user to user, and does not look at their connections.
--
-- KEYS[1] channels  as in include/registry.lua
-- ARGV[1] channel
-- ARGV[2] after  the user after whom to begin; '': at the first
-- ARGV[3] limit  how many users
--
-- Returns all connections, those of nobody in particular, 1 if there are more users, and user, connections, user …

local channelsKey, channel, after, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

-- How many members begin with this and end a name with it: \1 comes before every character that a name may have.
local function countOf(prefix)
  return redis.call('ZLEXCOUNT', channelsKey, '[' .. prefix .. '\0', '(' .. prefix .. '\1')
end

local reply = { countOf(channel), countOf(channel .. '\0'), 0 }
local from, to = '[' .. channel .. '\0' .. after .. '\1', '(' .. channel .. '\1'
for i = 0, limit do
  local member = redis.call('ZRANGEBYLEX', channelsKey, from, to, 'LIMIT', 0, 1)[1]
  if not member then return reply end
  if i == limit then
    reply[3] = 1
    return reply
  end
  local user = string.match(member, '^[^%z]*%z([^%z]*)')
  from = '[' .. channel .. '\0' .. user .. '\1'
  reply[#reply + 1] = user
  reply[#reply + 1] = countOf(channel .. '\0' .. user)
end
return reply
