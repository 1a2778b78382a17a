-- Registers connections of a node, those within the limits. KEYS and ARGV[1…4] as in include/registry.lua.
--
-- ARGV[5] node
-- ARGV[6] perUser     connections that a user may have; 0: no limit
-- ARGV[7] perAddress
-- ARGV[8…]            three for each: id, the second line of its record, the third
--
-- Returns for each 1 (in), 2 (over the limit of its user) or 3 (of its address); nil if the node has no lease.
-- @include append
-- @include registry

local lease = redis.call('ZSCORE', KEYS[3], ARGV[5])
if not lease or tonumber(lease) == 0 then return false end

local at, perUser, perAddress = nowMs(), tonumber(ARGV[6]), tonumber(ARGV[7])
local ids = {}
for i = 8, #ARGV, 3 do ids[#ids + 1] = ARGV[i] end
local known = recordsOf(ids)

local indexes = {}
for i in ipairs(ids) do indexes[i] = cjson.decode(ARGV[6 + i * 3]) end
local ofUser, ofAddress = {}, countsOfAddresses(#ids, function(i) return indexes[i][2] end)

local outcomes, changes, fields, members, groups, taken = {}, {}, {}, {}, {}, {}
for i, id in ipairs(ids) do
  local indexJson, json = ARGV[6 + i * 3], ARGV[7 + i * 3]
  local user, address = indexes[i][1], indexes[i][2]
  if known[i] or taken[id] then
    outcomes[i] = 1
  else
    if perUser > 0 and user ~= '' and not ofUser[user] then
      ofUser[user] = redis.call('ZCARD', ARGV[4] .. 'user:' .. user)
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
      fields[#fields + 1] = at .. '\n' .. indexJson .. '\n' .. json
      members[#members + 1] = 0
      members[#members + 1] = id
      if user ~= '' then put(groups, ARGV[4] .. 'user:' .. user, 0, id) end
      for c = 3, #indexes[i] do put(groups, ARGV[4] .. 'channel:' .. indexes[i][c], 0, user .. '\0' .. id) end
      changes[#changes + 1] = change('connected', at, at, json, '')
    end
  end
end
if #fields == 0 then return outcomes end

local failure = announce(changes)
if failure then return failure end
callMany('HSET', KEYS[4], fields)
callMany('ZADD', KEYS[5], members)
for key, group in pairs(groups) do callMany('ZADD', key, group) end
setCountsOfAddresses(ofAddress)
return outcomes
