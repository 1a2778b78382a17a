-- The clock of the hub, and how events get their places. Needs include/position.lua, include/clock.lua, include/line.lua and
-- include/tombstones.lua.

local call = redis.call

-- The default of the option: where no hub has said yet how long logs are kept.
local DEFAULT_RETENTION = '3600000'

-- openClock(…): reads the clock, and takes the next positions, for events that `append` is then called with.
--
-- clockKey   hash: last (the last position given out), since (from where on this Redis remembers the hub whole),
--            retention and maxLength (of the hub that published last), raised (include/clock.lua), replid and forks
--            (include/line.lua), buried (include/tombstones.lua)
-- retention  of the logs, ms, as a string; '': what the clock says, for a caller that must not change it
-- count      how many positions; those that are not used after all are nobody's
-- replid     as the caller knows it
-- maxLength  of the logs, as a string; '' or nil: what the clock says
-- tombstonesKey  as in include/tombstones.lua; nil: where no log is kept for a time of its own. False: the caller did not name it, and
--            names it where it is needed
--
-- known      what HMGET has said of the clock in this run; nil: it is read
--
-- Returns nil, having changed nothing, where a tombstone may count and the caller has to name their key.
local function openClock(clockKey, retentionText, count, replid, maxLength, tombstonesKey, known)
  local stored = known or call('HMGET', clockKey, 'last', 'since', 'retention', 'replid', 'maxLength', 'raised', 'buried')
  if retentionText == '' then retentionText = stored[3] or DEFAULT_RETENTION end
  local ms = readTime()
  local now, retention = ms * POSITIONS_PER_MS, tonumber(retentionText)
  local last, since = beginningOf(stored)
  local first = math.max(now, last + 1)
  if tombstonesKey == false and stored[7] and tonumber(stored[7]) >= first - 1 then return nil end
  local reserved = first + count - 1
  if stored[1] and stored[2] and stored[3] == retentionText then
    call('HSET', clockKey, 'last', string.format(WHOLE, reserved))
  else
    -- The retention was changed, or the clock is new, or not whole. What expired under the shorter one is not remembered.
    local before = tonumber(stored[3])
    if before then since = math.max(since, now - math.min(retention, before) * POSITIONS_PER_MS) end
    if before and before < retention then
      stored[6] = raise(stored[6], now, last, before)
      call('HSET', clockKey, 'raised', stored[6])
    end
    call('HSET', clockKey, 'last', string.format(WHOLE, reserved), 'since', string.format(WHOLE, since), 'retention', retentionText)
  end
  since = sinceAt(since, stored[6], now)
  if (maxLength or '') == '' then
    maxLength = stored[5]
  elseif maxLength ~= stored[5] then
    call('HSET', clockKey, 'maxLength', maxLength)
  end
  -- Where the caller did not know it.
  local line = onItsLine(clockKey, stored[4], tonumber(stored[1]), first, replid, since)
  -- Of the line that is written now.
  local written = line and line[1] or stored[4] or replid
  return {
    key = clockKey,
    line = line,
    -- For announcements.
    replid = written,
    idSuffix = idSuffix(written),
    ms = ms,
    retention = retention,
    -- Nil where no hub has said it, as one of a release before.
    maxLength = maxLength or nil,
    -- Where there is no log, nothing was published to the channel since then, or it would be here.
    quietSince = math.max(now - retention * POSITIONS_PER_MS, since),
    tombstonesKey = tombstonesKey or nil,
    buried = stored[7],
    -- Of the next event.
    position = first,
    reserved = reserved,
    -- Of each log that was appended to, the newest position.
    newest = {},
    -- There may also be `expiry`: for how long logs with a time of their own are kept; and `shortLived`: of those that expire before
    -- others the newest position, for `bury`. A script makes its functions and tables anew in each run: they cost time.
  }
end

-- The newest position of a log, or false where there is none.
local function newestOf(logKey)
  local entry = call('XREVRANGE', logKey, '+', '-', 'COUNT', '1')[1]
  return entry and toPosition(entry[1]) or false
end

-- newest  the position of the event before; false: there is none
-- own     for how long (ms) its events and the log itself are kept, where it has a time of its own: age, expiry
local function store(clock, logKey, position, id, record, maxLength, newest, own)
  -- Without a length a log is as long as its age lets it: the next publish of a hub makes it shorter.
  if maxLength then
    call('XADD', logKey, 'MAXLEN', '~', maxLength, id, 'r', record)
  else
    call('XADD', logKey, id, 'r', record)
  end
  local expiry, set = own and own.expiry, clock.expiry
  -- The first of this script: for those that follow it is the same millisecond.
  if clock.newest[logKey] and (set and set[logKey]) == expiry then return end
  if set or expiry then
    clock.expiry = set or {}
    clock.expiry[logKey] = expiry
  end
  -- By age as well: a channel that is never quiet would keep events beyond the retention. It is an eighth of what a publish costs, so
  -- it is done where the event before is of another part of the age.
  local age = own and own.age or clock.retention
  local part = age / TRIMS_WITHIN_AGE
  if newest and math.floor(newest / POSITIONS_PER_MS / part) ~= math.floor(clock.ms / part) then
    call('XTRIM', logKey, 'MINID', '=', string.format(WHOLE, clock.ms - age))
  end
  -- Later than `prev` of a new log claims, since TIME may be some ms ahead of the clock by which Redis expires keys. Where that was set
  -- back, ids are ahead of it: the log goes when the id is as old as events become, since readers take no other time for it.
  local ahead = math.max(0, math.floor(position / POSITIONS_PER_MS) - clock.ms)
  call('PEXPIRE', logKey, string.format(WHOLE, (expiry or clock.retention) + EXPIRY_MARGIN + ahead))
end

-- boundOf(…): the position from which on nothing was published to a channel that has no log, before `position`. Evictions are not regarded.
local function boundOf(clock, logKey, position)
  if not clock.buried then return clock.quietSince end
  return math.max(clock.quietSince, tombstoneOf(clock.tombstonesKey, clock.buried, logKey, position - 1))
end

-- append(…): gives an event its place in the order of the hub, appends it to its log and announces it.
--
-- clock       of openClock
-- logKey      stream of the channel; its entries have one field, r: the record. The key of the clock: it has none
-- pubSubChannel  pub/sub channel
-- flags       of the record (event/event-record.ts); 'e' behind the kind: ephemeral, not to be logged
-- text        the SSE text after the id line
-- maxLength   of the log; nil: not known
-- onceKey     optional: remembers the position
-- window      how long, ms
-- own         as in `store`; nil: as the clock says
--
-- Returns the position; or nil and in words what went wrong, having changed nothing but the clock.
local function append(clock, logKey, pubSubChannel, flags, text, maxLength, onceKey, window, own)
  local newest = clock.newest[logKey] or logKey ~= clock.key and newestOf(logKey)
  local position = clock.position
  -- Only where the clock key is younger than the log (evicted, deleted): the log's own order must hold all the same.
  if newest and position <= newest then position = newest + 1 end
  clock.position = position + 1
  if position > clock.reserved then
    clock.reserved = position
    call('HSET', clock.key, 'last', string.format(WHOLE, position))
  end

  local prev = newest or boundOf(clock, logKey, position)
  local id = toId(position)
  -- 'f': the first of its log, whose prev is a bound.
  local record = string.format(WHOLE, position) .. ' ' .. string.format(WHOLE, prev) .. ' ' .. flags .. (newest and '\nid: ' or 'f\nid: ') .. id .. clock.idSuffix .. '\n' .. text
  -- Behind the kind: the key of an event of a state channel may have an 'e'.
  local isLogged = string.byte(flags, 2) ~= EPHEMERAL

  -- Redis does not undo what a script did before it failed (at PUBLISH, say, where the ACL forbids the channel); but
  -- who gets an error must know that nothing was stored.
  local done, failure = true, nil
  local isShortLived = isLogged and own and (own.expiry or clock.retention) < clock.retention
  if isShortLived then done, failure = pcall(mayBury, clock) end
  if done and isLogged then done, failure = pcall(store, clock, logKey, position, id, record, maxLength, newest, own) end
  if done and onceKey then done, failure = pcall(call, 'SET', onceKey, string.format(WHOLE, position), 'PX', window) end
  local replid = clock.replid
  if done then done, failure = pcall(call, 'PUBLISH', pubSubChannel, record) end
  if done then
    if isLogged then
      clock.newest[logKey] = position
      if isShortLived then
        clock.shortLived = clock.shortLived or {}
        clock.shortLived[logKey] = position
      end
    end
    return position
  end
  if isLogged then redis.pcall('XDEL', logKey, id) end
  if onceKey then redis.pcall('DEL', onceKey) end
  return nil, type(failure) == 'table' and failure.err or tostring(failure)
end
