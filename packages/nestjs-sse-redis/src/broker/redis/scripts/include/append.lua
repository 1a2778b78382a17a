-- append(…): gives an event its place in the order of the hub, appends it to its log and announces it.
--
-- clockKey    hash: last (the last position given out), since (from where on this Redis remembers the hub whole),
--             retention (of whoever published last)
-- logKey      stream of the channel; its entries have one field, r: the record
-- announceTo  pub/sub channel
-- flags       of the record (event/event-record.ts); 'e' in it: ephemeral, not to be logged
-- text        the SSE text after the id line
-- maxLength   of the log
-- retention   of the log, ms, as a string
-- also        optional: a function of the position, run in the same step
-- undo        optional: undoes it
--
-- Returns the position, ms * 1024 + seq of the event id, exact in a double until the year 2248; or nil and an error
-- reply, having changed nothing but the clock.
local function append(clockKey, logKey, announceTo, flags, text, maxLength, retentionText, also, undo)
  local clock = redis.call('HMGET', clockKey, 'last', 'since', 'retention')
  local time = redis.call('TIME')
  local now = (time[1] * 1000 + math.floor(time[2] / 1000)) * 1024
  local retention = tonumber(retentionText)
  -- A new clock begins in the next millisecond: before its data were lost, Redis may have given out ids of this one.
  local last, since = tonumber(clock[1] or now + 1024), tonumber(clock[2] or now + 1024)
  local position = math.max(now, last + 1)

  -- Where there is no log, nothing was published to the channel within the retention, or it would be here.
  local newest = redis.call('XREVRANGE', logKey, '+', '-', 'COUNT', 1)[1]
  local prev
  if newest then
    local ms, seq = string.match(newest[1], '^(%d+)-(%d+)$')
    prev = ms * 1024 + seq
    -- Only where the clock key is younger than the log (evicted, deleted): the log's own order must hold all the same.
    if position <= prev then position = prev + 1 end
  else
    prev = math.max(now - retention * 1024, since)
  end

  if clock[3] ~= retentionText then
    -- The retention was changed, or the clock is new. What expired under the shorter one is not remembered.
    if clock[3] then since = math.max(since, now - math.min(retention, tonumber(clock[3])) * 1024) end
    redis.call('HSET', clockKey, 'last', string.format('%.0f', position), 'since', string.format('%.0f', since), 'retention', retentionText)
  else
    redis.call('HSET', clockKey, 'last', string.format('%.0f', position))
  end

  local id = string.format('%.0f-%.0f', math.floor(position / 1024), position % 1024)
  -- 'f': the first of its log, whose prev is a bound.
  local record = string.format('%.0f %.0f ', position, prev) .. flags .. (newest and '' or 'f') .. '\nid: ' .. id .. '\n' .. text

  local ephemeral = string.find(flags, 'e', 1, true)
  local function write()
    if not ephemeral then
      redis.call('XADD', logKey, 'MAXLEN', '~', maxLength, id, 'r', record)
      -- By age as well: a channel that is never quiet would keep events beyond the retention.
      redis.call('XTRIM', logKey, 'MINID', '=', string.format('%.0f', math.floor(now / 1024) - retention))
      -- Later than `prev` of a new log claims, since TIME may be some ms ahead of the clock by which Redis expires keys.
      redis.call('PEXPIRE', logKey, retention + 1000)
    end
    if also then also(position) end
    redis.call('PUBLISH', announceTo, record)
  end

  -- Redis does not undo what a script did before it failed (at PUBLISH, say, where the ACL forbids the channel); but
  -- who gets an error must know that nothing was stored.
  local written, failure = pcall(write)
  if written then return position end
  if not ephemeral then redis.pcall('XDEL', logKey, id) end
  if undo then undo() end
  return nil, redis.error_reply(type(failure) == 'table' and failure.err or failure)
end
