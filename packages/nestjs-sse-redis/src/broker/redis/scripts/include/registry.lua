-- What the scripts of the registry share. Their keys and arguments begin alike:
--
-- KEYS[1] clock        as in include/append.lua
-- KEYS[2] log          of the channel of changes
-- KEYS[3] nodes        zset: node → when its lease runs out, ms; 0 while it is being swept
-- KEYS[4] connections  hash: id → record
-- KEYS[5] all          zset of ids, all of score 0: those of a node lie together, since they begin with its id and a dot
-- KEYS[6] users        zset of `<user>\0<id>`, all of score 0, of those that have a user
-- KEYS[7] channels     zset of `<channel>\0<user, or nothing>\0<id>`, all of score 0, so that a channel's users are in order
-- KEYS[8] addresses    hash: address → number of connections
-- ARGV[1] pubSubChannel   pub/sub channel of the changes
-- ARGV[2] maxLength    of the log
-- ARGV[3] retention    of the log, ms
-- ARGV[#] replid       as in include/line.lua
--
-- One zset for all users and one for all channels, since a zset for each would have a name that only a record tells: some
-- servers want every key among KEYS (docs/servers.md).
--
-- A record is three lines: when it was registered (ms), [user or '', address or '', channel…] as JSON, and the
-- connection as JSON. Lua reads the first two and only copies the third: an application's metadata may be nested deeper
-- than cjson takes.

local clockKey, changesLog, nodesKey, connectionsKey, allKey, usersKey, channelsKey, addressesKey = unpack(KEYS, 1, 8)
local pubSubChannel, changesKept, retentionText = unpack(ARGV, 1, 3)

-- unpack() fails with more than some thousands.
local CHUNK = 1000
-- About how large the log of changes may grow.
local LOG_BYTES = 8 * 1048576

local function nowMs()
  return string.format('%.0f', readTime())
end

local function userMember(user, id)
  return user .. '\0' .. id
end

local function channelMember(channel, user, id)
  return channel .. '\0' .. user .. '\0' .. id
end

-- One command with many arguments, or a few.
local function callMany(command, key, arguments)
  for i = 1, #arguments, CHUNK do
    redis.call(command, key, unpack(arguments, i, math.min(i + CHUNK - 1, #arguments)))
  end
end

local function recordsOf(ids)
  local records = {}
  for i = 1, #ids, CHUNK do
    for _, record in ipairs(redis.call('HMGET', connectionsKey, unpack(ids, i, math.min(i + CHUNK - 1, #ids)))) do
      records[#records + 1] = record
    end
  end
  return records
end

-- since, [user, address, channel…], and the connection as JSON without `since`
local function parse(record)
  local since, index, json = string.match(record, '^(%d+)\n([^\n]*)\n(.*)$')
  return since, cjson.decode(index), json
end

-- How many connections each of some addresses has: what `addressOf(i)` gives, for i from 1 to n.
local function countsOfAddresses(n, addressOf)
  local names, counts = {}, {}
  for i = 1, n do
    local address = addressOf(i)
    if address ~= '' and not counts[address] then
      counts[address] = 0
      names[#names + 1] = address
    end
  end
  for i = 1, #names, CHUNK do
    local last = math.min(i + CHUNK - 1, #names)
    for j, count in ipairs(redis.call('HMGET', addressesKey, unpack(names, i, last))) do
      counts[names[i + j - 1]] = tonumber(count or 0)
    end
  end
  return counts
end

local function setCountsOfAddresses(counts)
  local fields, gone = {}, {}
  for address, count in pairs(counts) do
    if count > 0 then
      fields[#fields + 1] = address
      fields[#fields + 1] = string.format('%.0f', count)
    else
      gone[#gone + 1] = address
    end
  end
  callMany('HSET', addressesKey, fields)
  callMany('HDEL', addressesKey, gone)
end

-- What happened to one connection, as JSON (ConnectionChange); `more`: further members, with a comma in front.
local function change(kind, at, since, json, more)
  return '{"type":"' .. kind .. '","at":' .. at .. more .. ',"connection":{"since":' .. since .. ',' .. string.sub(json, 2) .. '}'
end

-- Announces changes as one event. Returns an error reply if that failed; nothing else was changed then.
local function announce(changes)
  if #changes == 0 then return nil end
  local text = 'data: [' .. table.concat(changes, ',') .. ']\n\n'
  -- An event of many connections may be large: then fewer are kept, and who falls far behind is told of a gap.
  local kept = math.max(1, math.min(tonumber(changesKept), math.floor(LOG_BYTES / #text)))
  local position, failure = append(openClock(clockKey, retentionText, 1, ARGV[#ARGV]), changesLog, pubSubChannel, 'j', text, kept)
  return failure and redis.error_reply(failure)
end

-- Takes connections out and announces their departures. reasons[i] is JSON.
-- Returns how many were in, or an error reply.
local function remove(ids, reasons)
  if #ids == 0 then return 0 end
  local at = nowMs()
  local gone, changes, users, channels, addresses, seen = {}, {}, {}, {}, {}, {}
  for i, record in ipairs(recordsOf(ids)) do
    local id = ids[i]
    if record and not seen[id] then
      seen[id] = true
      local since, index, json = parse(record)
      gone[#gone + 1] = id
      changes[#changes + 1] = change('disconnected', at, since, json, ',"reason":' .. reasons[i])
      if index[1] ~= '' then users[#users + 1] = userMember(index[1], id) end
      for c = 3, #index do channels[#channels + 1] = channelMember(index[c], index[1], id) end
      addresses[#addresses + 1] = index[2]
    end
  end
  local failure = announce(changes)
  if failure then return failure end
  callMany('HDEL', connectionsKey, gone)
  callMany('ZREM', allKey, gone)
  callMany('ZREM', usersKey, users)
  callMany('ZREM', channelsKey, channels)
  local counts = countsOfAddresses(#addresses, function(i) return addresses[i] end)
  for _, address in ipairs(addresses) do
    if address ~= '' then counts[address] = counts[address] - 1 end
  end
  setCountsOfAddresses(counts)
  return #gone
end
