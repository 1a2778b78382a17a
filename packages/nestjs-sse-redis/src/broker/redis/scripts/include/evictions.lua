-- Evictions: a log that Redis evicted to free memory looks like that of a quiet channel. Needs include/position.lua.
--
-- The clock's field `evicted` remembers them: seen (evicted_keys of INFO); looked (the last position when it was looked at);
-- from and to (the positions between which keys were evicted, 0 and 0 where none were).

local function parseEvictions(stored)
  local seen, looked, from, to = string.match(stored or '', '^(%d+) (%d+) (%d+) (%d+)$')
  return { seen = seen, looked = tonumber(looked), from = tonumber(from) or 0, to = tonumber(to) or 0 }
end

local function formatEvictions(evictions)
  return string.format('%s %.0f %.0f %.0f', evictions.seen, evictions.looked, evictions.from, evictions.to)
end

-- lookForEvictions(…): the evictions until now. Where INFO is hidden, those that are known.
--
-- stored    of parseEvictions
-- last      the last position given out
-- memory    the position from which on logs are kept
local function lookForEvictions(stored, last, memory)
  local info = redis.pcall('INFO', 'stats')
  local seen = type(info) == 'string' and string.match(info, 'evicted_keys:(%d+)')
  if not seen then return stored end
  local found = { seen = seen, looked = last, from = stored.from, to = stored.to }
  -- A restart or a failover counts anew, and what was evicted before it is not known. A hub of a version that did not look
  -- says nothing of the time before.
  if seen ~= (stored.seen or '0') then
    -- Twice: the bound in the first record of a log reaches as far back as its event, once more.
    if found.to <= memory - (last - memory) then found.from = stored.looked or 0 end
    found.to = last
  end
  return found
end

-- evictionReader(…): a function that returns the evictions until now. The first call looks, and notes what is new.
local function evictionReader(clockKey, last, memory)
  local found
  return function()
    if found then return found end
    local stored = parseEvictions(redis.call('HGET', clockKey, 'evicted'))
    found = lookForEvictions(stored, last, memory)
    -- A full Redis may refuse it: then the next look finds the same.
    if found.seen ~= stored.seen then redis.pcall('HSET', clockKey, 'evicted', formatEvictions(found)) end
    return found
  end
end
