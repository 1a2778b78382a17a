-- Registers connections of a node, those within the limits. KEYS and ARGV[1…4] as in include/registry.lua.
--
-- ARGV[5] node
-- ARGV[6] perUser     connections that a user may have; 0: no limit
-- ARGV[7] perAddress
-- ARGV[8…]            three for each: id, the second line of its record, the third
--
-- Returns for each 1 (admitted), 2 (over the limit of its user) or 3 (of its address); nil if the node has no lease.
-- @include position
-- @include clock
-- @include line
-- @include append
-- @include registry

local node, perUser, perAddress = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST_CONNECTION = 8

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

local outcomes, changes, fields, members, groups, taken = {}, {}, {}, {}, {}, {}
for i, id in ipairs(ids) do
  local user, address = indexes[i][1], indexes[i][2]
  if known[i] or taken[id] then
    outcomes[i] = 1
  else
    if perUser > 0 and user ~= '' and not ofUser[user] then
      ofUser[user] = redis.call('ZCARD', userIndex(user))
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
      if user ~= '' then put(groups, userIndex(user), 0, id) end
      for c = 3, #indexes[i] do put(groups, channelIndex(indexes[i][c]), 0, user .. '\0' .. id) end
      changes[#changes + 1] = change('connected', at, at, jsons[i], '')
    end
  end
end
if #fields == 0 then return outcomes end

local failure = announce(changes)
if failure then return failure end
callMany('HSET', connectionsKey, fields)
callMany('ZADD', allKey, members)
for key, group in pairs(groups) do callMany('ZADD', key, group) end
setCountsOfAddresses(ofAddress)
return outcomes
