-- Finds the commands that this server does not have, or not for scripts.
--
-- KEYS[1]  clock  of no use but to be of the hub, where a server wants a key
-- ARGV     names of commands that fail without arguments, or do nothing
--
-- Returns the missing ones.

local missing = {}
for _, name in ipairs(ARGV) do
  local reply = redis.pcall(name)
  local failure = type(reply) == 'table' and reply.err and string.lower(reply.err) or ''
  if string.find(failure, 'unknown', 1, true) or string.find(failure, 'not available', 1, true) then
    missing[#missing + 1] = name
  end
end
return missing
