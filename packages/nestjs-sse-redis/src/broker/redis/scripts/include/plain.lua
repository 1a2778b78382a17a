-- The short way of the commonest run: each event is of a channel without a time of its own, and nothing has changed since the run before.
-- It makes no functions. Each run makes those of the long way anew, which is a fifth of what it costs to publish one event.
-- Where anything is out of the ordinary, nothing was written, and the script goes on behind it with the long way: include/append.lua says
-- why things are done as they are, and both write the same (test/broker/plain-runs.spec.ts). Needs include/position.lua and LONGEST_FLAGS.
--
-- Leaves what it has read of the clock for openClock.
local stored
do
  local call, pcall, format, floor = redis.call, redis.pcall, string.format, math.floor
  local clockKey, known = KEYS[1], ARGV[#ARGV]
  -- A key more is of an event out of the ordinary.
  local isPlain = #KEYS == #ARGV / 4
  for i = 5, #ARGV - 1, 4 do
    isPlain = isPlain and #ARGV[i] <= LONGEST_FLAGS and ARGV[i + 2] == ''
  end
  local maxLength, retentionText
  if isPlain then
    stored = call('HMGET', clockKey, 'last', 'since', 'retention', 'replid', 'maxLength', 'raised', 'buried')
    retentionText, maxLength = stored[3], stored[5]
    isPlain = stored[1] and stored[2] and stored[4] == known
      and retentionText and (ARGV[2] == retentionText or ARGV[2] == '')
      and maxLength and (ARGV[1] == maxLength or ARGV[1] == '')
  end
  -- Of each log the newest position, below zero until an event of this run is in it. False: there is no log.
  local newest = {}
  for k = 2, isPlain and #KEYS or 0 do
    local logKey = KEYS[k]
    if newest[logKey] == nil then
      local found = logKey == clockKey and {} or pcall('XREVRANGE', logKey, '+', '-', 'COUNT', '1')
      newest[logKey] = found[1] and -toPosition(found[1][1]) or false
      -- How far back the first event of a log has to reach is the long way's matter, where that is not simply its age.
      if found.err or not found[1] and (stored[6] or stored[7]) then isPlain = false end
    end
  end
  if isPlain then
    local results, ms, retention = {}, readTime(), tonumber(retentionText)
    local part = retention / TRIMS_WITHIN_AGE
    local position = math.max(ms * POSITIONS_PER_MS, stored[1] + 1)
    local reserved = position + #KEYS - 2
    call('HSET', clockKey, 'last', format(WHOLE, reserved))
    local replid = stored[4]
    local suffix = #replid == REPLID_DIGITS and '' or string.match(replid, '[.@].*$') or ''
    for k = 2, #KEYS do
      local logKey, i = KEYS[k], k * 4 - 4
      local pubSubChannel, flags, before = ARGV[i], ARGV[i + 1], newest[logKey]
      local from, isFirst = before and math.abs(before), not before or before < 0
      if from and position <= from then position = from + 1 end
      if position > reserved then
        reserved = position
        call('HSET', clockKey, 'last', format(WHOLE, position))
      end
      local prev = from or math.max((ms - retention) * POSITIONS_PER_MS, stored[2])
      local idMs = floor(position / POSITIONS_PER_MS)
      local id = format(ID, idMs, position % POSITIONS_PER_MS)
      local record = format(WHOLE, position) .. ' ' .. format(WHOLE, prev) .. ' ' .. flags .. (from and '\nid: ' or 'f\nid: ') .. id .. suffix .. '\n' .. ARGV[i + 2]
      local isLogged, reply = string.byte(flags, 2) ~= EPHEMERAL, nil
      if isLogged then reply = pcall('XADD', logKey, 'MAXLEN', '~', maxLength, id, 'r', record) end
      isFirst = isFirst and isLogged
      if isFirst and from and type(reply) ~= 'table' and floor(from / POSITIONS_PER_MS / part) ~= floor(ms / part) then
        reply = pcall('XTRIM', logKey, 'MINID', '=', format(WHOLE, ms - retention))
      end
      if isFirst and type(reply) ~= 'table' then
        reply = pcall('PEXPIRE', logKey, format(WHOLE, retention + EXPIRY_MARGIN + math.max(0, idMs - ms)))
      end
      if type(reply) ~= 'table' then reply = pcall('PUBLISH', pubSubChannel, record) end
      local failure = type(reply) == 'table' and reply.err
      if failure and isLogged then pcall('XDEL', logKey, id) end
      if isLogged and not failure then newest[logKey] = position end
      results[k - 1], position = failure or position, position + 1
    end
    return results
  end
end
