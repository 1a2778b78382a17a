-- Lines: the history of one data set. A replica that is promoted begins a new line, and so does a restart. The clock keeps
-- replid, of the server that last wrote (10 of its 40 digits are enough), and forks: `from:began`, with commas between them.
-- The data of a new line go up to `from`, and its own events begin at `began` (docs/decisions/021).

local MOST_FORKS = 16

-- onItsLine(…): the clock knows after this that its server is of another line than the one that wrote last.
--
-- clockKey  as in include/append.lua
-- stored    replid of the clock; false where it has none: of a release before, or a new clock
-- last      the last position given out; false where that is not known
-- began     the position that an event gets now, or an earlier one
-- known     replid as the caller knows it, of this connection; INFO costs 2.4 µs, so it is asked only where the two differ
--
-- Returns nil where the caller knows the line, else { replid, forks, run } for it; run names this start of the server.
-- Where INFO is not to be had, replid is '-', and there are no lines.
local function onItsLine(clockKey, stored, last, began, known)
  if known == stored or known == '-' then return nil end
  local info = redis.pcall('INFO', 'replication')
  local replid = type(info) == 'string' and string.match(info, 'master_replid:(' .. string.rep('%x', 10) .. ')')
  local forks = redis.call('HGET', clockKey, 'forks') or ''
  if not replid then return { '-', forks } end
  if replid ~= stored then
    if stored and last then
      local _, count = string.gsub(forks, ':', ':')
      if count >= MOST_FORKS then forks = string.gsub(forks, '^[^,]*,', '') end
      forks = forks .. (forks == '' and '' or ',') .. string.format('%.0f:%.0f', last, began)
    end
    -- Takes no memory: after it a full Redis, which must go on reading, does not refuse the next.
    redis.call('HDEL', clockKey, '')
    redis.call('HSET', clockKey, 'replid', replid, 'forks', forks)
  end
  local server = redis.pcall('INFO', 'server')
  return { replid, forks, type(server) == 'string' and string.match(server, 'run_id:(%x+)') or '' }
end
