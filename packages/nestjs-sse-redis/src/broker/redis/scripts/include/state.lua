-- State channels: of each key the log has the newest event, and of a removed key the removal (docs/decisions/029). Needs
-- include/position.lua, include/evictions.lua and include/append.lua.
--
-- The log is a stream as that of any channel, out of which the entry before of the same key is taken. A sorted set says where entries are:
-- `=<key>` → minus the position of the event, or the position of its removal. It also has, below zero: `count`, how many events there
-- ever were; `keys`, how many keys are there; `floor`, the position from which on all removals are in the log; and `known`, the one from
-- which on nothing was published that is not: before the first event of a map there may have been another one, which is forgotten whole.

-- A map is kept until its keys are removed, unless its definition has a time: ms.
local FOREVER = 3155760000000
-- How many removals one event forgets at most.
local FORGOTTEN_AT_ONCE = 1000
local RESTORED_AT_ONCE = 64
local COUNTERS = 4

local function scoreOf(keysKey, member)
  return tonumber(call('ZSCORE', keysKey, member) or nil)
end

-- Redis evicted the sorted set, and not the log: it is made anew. Which removals were forgotten is not known.
local function restoreState(logKey, keysKey, newest)
  local state, places, from = { count = 0, keys = 0, floor = newest, known = newest, counters = 0 }, {}, '-'
  repeat
    local batch = call('XRANGE', logKey, from, '+', 'COUNT', RESTORED_AT_ONCE)
    for _, entry in ipairs(batch) do
      local kind, count, key = string.match(entry[2][2], '^%d+ %d+ (%l) (%d+) (%S+) ')
      if key then
        state.count = math.max(state.count, tonumber(count))
        places[key] = (kind == 'r' and 1 or -1) * toPosition(entry[1])
      end
      from = '(' .. entry[1]
    end
  until #batch < RESTORED_AT_ONCE
  for key, place in pairs(places) do
    if place < 0 then state.keys = state.keys + 1 end
    call('ZADD', keysKey, string.format(WHOLE, place), '=' .. key)
  end
  return state
end

local function openState(clock, logKey, keysKey)
  local newest = clock.newest[logKey] or newestOf(logKey)
  local count = scoreOf(keysKey, 'count')
  if newest and count then
    return { count = -count, keys = -scoreOf(keysKey, 'keys'), floor = -scoreOf(keysKey, 'floor'), counters = COUNTERS }
  end
  if newest then return restoreState(logKey, keysKey, newest) end
  -- It expired, or was evicted.
  if count then call('DEL', keysKey) end
  return { count = 0, keys = 0, counters = 0 }
end

-- Removals are kept for the retention, and there are no more of them than there may be keys. Many are forgotten at once, since a client
-- that has a part of the map begins anew where any was.
local function forgetRemovals(clock, logKey, keysKey, state, removals, most)
  if removals <= 0 then return end
  local oldest = tonumber(call('ZRANGEBYSCORE', keysKey, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
  local upTo, limit = '+inf', math.ceil(removals / 2)
  if oldest < (clock.ms - clock.retention * 1.125) * POSITIONS_PER_MS then
    upTo, limit = string.format(WHOLE, (clock.ms - clock.retention) * POSITIONS_PER_MS), FORGOTTEN_AT_ONCE
  elseif removals <= most then
    return
  end
  local found = call('ZRANGEBYSCORE', keysKey, '(0', upTo, 'WITHSCORES', 'LIMIT', 0, math.min(limit, FORGOTTEN_AT_ONCE))
  local members, ids = {}, {}
  for i = 1, #found, 2 do
    members[#members + 1] = found[i]
    ids[#ids + 1] = toId(tonumber(found[i + 1]))
  end
  state.floor = tonumber(found[#found])
  state.known = state.floor
  call('XDEL', logKey, unpack(ids))
  call('ZREM', keysKey, unpack(members))
end

-- From where on it is known what there was before the first event of a map.
local function knownFrom(clock, logKey)
  local last, memory = clock.position - 1, (clock.ms - clock.retention) * POSITIONS_PER_MS
  local bound = math.max(boundOf(clock, logKey, clock.position), evictionReader(clock.key, last, memory)().to)
  return math.min(bound, last)
end

-- What fails behind `append` fails for an event that clients have. So each command that only comes there is tried before, where it does
-- nothing: a user of Redis may lack the right to it. Once a script, and those that are not needed are left out: they cost time.
local function checkRights(clock, logKey, keysKey, before, removals)
  if not clock.mayWriteState then call('ZADD', keysKey, 'XX', 0, '') end
  clock.mayWriteState = true
  if before and not clock.mayDelete then
    call('XDEL', logKey, '0-1')
    clock.mayDelete = true
  end
  if removals <= 0 or clock.mayForget then return end
  call('XDEL', logKey, '0-1')
  call('ZREM', keysKey, '')
  call('ZRANGEBYSCORE', keysKey, 0, 0, 'LIMIT', 0, 0)
  clock.mayDelete, clock.mayForget = true, true
end

-- appendState(…): as `append`, for an event of a state channel.
--
-- flags    `<kind>=<how many keys there may be> <key>`; the kind r removes the key
-- expiry   for how long the whole map is kept, ms; nil: until its keys are removed
-- keysKey  the sorted set
--
-- A removal of a key that is not there changes nothing, and has the last position that was given out. Where there is no map, though it is
-- one that is forgotten by time, connected clients may still have the key: the removal is the first event of the next map.
local function appendState(clock, logKey, pubSubChannel, flags, text, onceKey, window, expiry, keysKey)
  local kind, mostText, key = string.match(flags, '^(%l)=(%d+) (%S+)$')
  local most, isRemoval, member = tonumber(mostText), kind == 'r', '=' .. key
  local state = openState(clock, logKey, keysKey)
  local before = scoreOf(keysKey, member)
  local isThere = before ~= nil and before < 0
  if isRemoval and not isThere and (state.floor or not expiry) then
    local position = clock.position - 1
    -- The same call again must not remove what comes between the two.
    if onceKey then call('SET', onceKey, string.format(WHOLE, position), 'PX', window) end
    return position
  end
  if not isRemoval and not isThere then
    if state.keys >= most then return nil, 'STATE_FULL' end
    state.keys = state.keys + 1
  elseif isRemoval and isThere then
    state.keys = state.keys - 1
  end
  state.count = state.count + 1
  local removals = call('ZCARD', keysKey) - state.counters + (before and 0 or 1) - state.keys
  checkRights(clock, logKey, keysKey, before, removals)
  local record = string.format('%s %.0f %s ', kind, state.count, key)
  if not state.floor then state.known = knownFrom(clock, logKey) end
  -- Not trimmed by age.
  local own = { age = clock.ms, expiry = expiry or FOREVER }
  local position, failure = append(clock, logKey, pubSubChannel, record, text, nil, onceKey, window, own)
  if not position then return nil, failure end
  state.floor = state.floor or position
  if before then call('XDEL', logKey, toId(math.abs(before))) end
  call('ZADD', keysKey, string.format(WHOLE, isRemoval and position or -position), member)
  forgetRemovals(clock, logKey, keysKey, state, removals, most)
  local function counter(value) return string.format(WHOLE, -value) end
  call('ZADD', keysKey, counter(state.count), 'count', counter(state.keys), 'keys', counter(state.floor), 'floor')
  if state.known then call('ZADD', keysKey, counter(state.known), 'known') end
  -- As the log.
  local ahead = math.max(0, math.floor(position / POSITIONS_PER_MS) - clock.ms)
  call('PEXPIRE', keysKey, string.format(WHOLE, own.expiry + EXPIRY_MARGIN + ahead))
  return position
end
