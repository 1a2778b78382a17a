-- Lines: the history of one data set. A replica that is promoted begins a new line, and so does a restart. The clock keeps
-- replid, of the server that last wrote (10 of its 40 digits are enough), with a dot and the number of the line behind it
-- once there was a fork, and `@shard` where the hub has several; and forks: `from:began:serverStart`, with commas between them.
-- The data of a new line go up to `from`, its own events begin at `began`, and `serverStart` names the start of its server
-- (docs/decisions/021).

local MOST_FORKS = 16

-- onItsLine(…): the clock knows after this that its server is of another line than the one that wrote last.
--
-- clockKey  as in include/append.lua
-- stored    replid of the clock; false where it has none: of a release before, or a new clock
-- last      the last position given out; false where that is not known
-- began     the position that an event gets now, or an earlier one
-- known     replid as the caller knows it, of this connection; INFO costs 2.4 µs, so it is asked only where the two differ.
--           On a new connection what ids end in: the number of the last line, with its dot, and the shard. Empty where it
--           knows nothing at all, as a publisher that is no hub
-- since     from where on this Redis remembers the hub whole
--
-- Returns nil where the caller knows the line, else { replid, forks, serverStart, since } for it.
-- Where INFO is not to be had, replid is '-', and there are no lines.
local function onItsLine(clockKey, stored, last, began, known, since)
  if known == stored then return nil end
  -- Functions are made anew in each run, which costs time, and nearly each run ends above.
  local function numberOf(replid)
    return tonumber(string.match(replid, '%.(%d+)')) or 0
  end

  local function shardOf(replid)
    return string.match(replid, '@%d+$') or ''
  end

  -- The start of this server, in 10 digits; empty where that is not told.
  local function serverStart()
    local info = redis.pcall('INFO', 'server')
    return type(info) == 'string' and string.match(info, 'run_id:(' .. string.rep('%x', 10) .. ')') or ''
  end

  local shard = known == '' and shardOf(stored or '') or shardOf(known)
  local hidden = '-' .. (string.match(stored or '', '%.%d+') or '') .. shard
  if known == hidden then return nil end
  local info = redis.pcall('INFO', 'replication')
  local replid = type(info) == 'string'
    and string.match(info, 'master_replid:(' .. string.rep('%x', REPLID_DIGITS) .. ')')
  local forks = redis.call('HGET', clockKey, 'forks') or ''
  if not replid then return { hidden, forks } end
  local start = serverStart()
  if stored and replid == string.sub(stored, 1, REPLID_DIGITS) then
    replid = stored
  else
    -- Data that were lost took the number along. It goes on from the caller's: ids with an earlier one are still out.
    local line = numberOf(stored or known)
    if (stored and last) or line > 0 then replid = string.format('%s.%d', replid, line + 1) end
    replid = replid .. shard
    if stored and last then
      local _, count = string.gsub(forks, '[^,]+', '%0')
      if count >= MOST_FORKS then forks = string.gsub(forks, '^[^,]*,', '') end
      forks = forks .. (forks == '' and '' or ',') .. string.format('%.0f:%.0f:%s', last, began, start)
    end
    -- Takes no memory: after it a full Redis, which must go on reading, does not refuse the next.
    redis.call('HDEL', clockKey, '')
    redis.call('HSET', clockKey, 'replid', replid, 'forks', forks)
  end
  return { replid, forks, start, string.format('%.0f', since) }
end

-- What ids end in: a dot and the number of the line, or nothing before the first fork; and the shard.
local function idSuffix(replid)
  if #replid == REPLID_DIGITS then return '' end
  return string.match(replid, '[.@].*$') or ''
end
