-- Registers connections of a node, those within the limits. KEYS and ARGV[1…3] as in include/registry.lua.
--
-- ARGV[4] node
-- ARGV[5] perUser     connections that a user may have; 0: no limit
-- ARGV[6] perAddress
-- ARGV[7…]            three for each: id, the second line of its record, the third
--
-- Returns for each 1 (admitted), 2 (over the limit of its user) or 3 (of its address); nil if the node has no lease.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include registry

local node, perUser, perAddress = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST_CONNECTION = 7

local lease = redis.call('ZSCORE', nodesKey, node)
if not lease or tonumber(lease) == 0 then return false end

local at = nowMs()
local ids, indexLines, jsons, indexes = {}, {}, {}, {}
for i = FIRST_CONNECTION, #ARGV - 1, 3 do
  ids[#ids + 1], indexLines[#ids + 1], jsons[#ids + 1] = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  indexes[#ids] = cjson.decode(ARGV[i + 1])
end
local known = recordsOf(ids)
local ofUser, ofAddress = {}, countsOfAddresses(#ids, function(i) return indexes[i][2] end)

local outcomes, changes, fields, members, users, channels, taken = {}, {}, {}, {}, {}, {}, {}
for i, id in ipairs(ids) do
  local user, address = indexes[i][1], indexes[i][2]
  if known[i] or taken[id] then
    outcomes[i] = 1
  else
    if perUser > 0 and user ~= '' and not ofUser[user] then
      ofUser[user] = redis.call('ZLEXCOUNT', usersKey, '[' .. user .. '\0', '(' .. user .. '\1')
    end
    if ofUser[user] and ofUser[user] >= perUser then
      outcomes[i] = 2
    elseif perAddress > 0 and address ~= '' and ofAddress[address] >= perAddress then
      outcomes[i] = 3
    else
      outcomes[i] = 1
      taken[id] = true
      if ofUser[user] then ofUser[user] = ofUser[user] + 1 end
      if address ~= '' then ofAddress[address] = ofAddress[address] + 1 end
      fields[#fields + 1] = id
      fields[#fields + 1] = at .. '\n' .. indexLines[i] .. '\n' .. jsons[i]
      members[#members + 1] = 0
      members[#members + 1] = id
      if user ~= '' then
        users[#users + 1] = 0
        users[#users + 1] = userMember(user, id)
      end
      for c = 3, #indexes[i] do
        channels[#channels + 1] = 0
        channels[#channels + 1] = channelMember(indexes[i][c], user, id)
      end
      changes[#changes + 1] = change('connected', at, at, jsons[i], '')
    end
  end
end
if #fields == 0 then return outcomes end

local failure = announce(changes)
if failure then return failure end
callMany('HSET', connectionsKey, fields)
callMany('ZADD', allKey, members)
callMany('ZADD', usersKey, users)
callMany('ZADD', channelsKey, channels)
setCountsOfAddresses(ofAddress)
return outcomes
