-- Runs: a run is a finite stream on a channel, with one owner. Needs include/position.lua.
--
-- The run of a channel is a hash: id (of the event with which it began), node (its owner), token (of the call that began it),
-- state, before (id and state of the run that it replaced), seq (how many events of it are stored), last (the position of the newest), began and ended (ms).
--
-- A fence is what comes with each event of a run: `id node seq base`, and with the last one `state retain` behind it. seq is
-- the number of the event, or 0 of an end by another node; base the last number that the owner knows to be stored; retain for
-- how long (ms) the run is remembered.

local function runPosition(id)
  return toPosition(string.match(id, '^%d+%-%d+'))
end

-- readRun(…): what is stored, once in a script.
local function readRun(runs, runKey)
  local run = runs[runKey]
  if run then return run end
  local stored = redis.pcall('HMGET', runKey, 'id', 'state', 'seq', 'last', 'before')
  if stored.err then return nil, stored.err end
  run = { id = stored[1] or '', state = stored[2], seq = tonumber(stored[3]) or 0, last = tonumber(stored[4]), before = stored[5] or '' }
  run.number = stored[1] and runPosition(stored[1]) or 0
  runs[runKey] = run
  return run
end

-- admit(…): whether an event of a run may be stored.
--
-- Returns nil if it may; its position, or a later one of its run, if it is stored already; or nil and in words why not.
local function admit(runs, runKey, fence)
  local id, node, seqText, baseText, state, retain = string.match(fence, '^(%S+) (%S+) (%d+) (%d+) ?(%l*) ?(%d*)$')
  local number, seq, base = runPosition(id), tonumber(seqText), tonumber(baseText)
  local run, failure = readRun(runs, runKey)
  if not run then return nil, failure end
  if run.number > number then
    local before, stateBefore = string.match(run.before, '^(%S+) (%l+)$')
    return nil, 'RUN_ENDED ' .. (before == id and stateBefore or 'interrupted')
  end
  if run.number < number then
    if seq == 0 then return nil, 'RUN_ENDED interrupted' end
    -- A failover or an eviction lost it: it goes on.
    run.id, run.number, run.node, run.state, run.seq = id, number, node, 'running', base
  end
  if seq > 0 and seq <= run.seq then return run.last or number end
  if run.state ~= 'running' then return nil, 'RUN_ENDED ' .. run.state end
  -- One before it got lost on its way: the owner sends both again.
  if seq > 0 and seq ~= run.seq + 1 and seq ~= base + 1 then return nil, 'RUN_ORDER' end
  run.next = { seq = seq, state = state, retain = retain }
end

local function noteStored(run, position)
  local stored = run.next
  if stored.seq > 0 then run.seq = stored.seq end
  run.last, run.isChanged = position, true
  if stored.state ~= '' then run.state, run.retain = stored.state, stored.retain end
end

local function saveRun(runKey, run, ms)
  local fields = { 'seq', string.format('%.0f', run.seq), 'last', string.format('%.0f', run.last) }
  local function add(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if run.node then
    add('id', run.id)
    add('node', run.node)
    add('state', run.state)
    add('began', string.format('%.0f', math.floor(run.number / POSITIONS_PER_MS)))
  end
  if run.retain then
    add('state', run.state)
    add('ended', string.format('%.0f', ms))
  end
  redis.call('HSET', runKey, unpack(fields))
  if run.retain then redis.call('PEXPIRE', runKey, run.retain) end
end

local function saveRuns(runs, ms)
  for runKey, run in pairs(runs) do
    if run.isChanged then saveRun(runKey, run, ms) end
  end
end
