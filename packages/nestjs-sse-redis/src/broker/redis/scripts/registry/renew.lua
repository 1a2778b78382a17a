-- Takes or renews the lease of a node, looks for leases that run out, and publishes a probe. A process does this all the
-- time: one script does it, with as few commands as it takes, since some hosts of Redis bill by command.
--
-- KEYS[1] nodes  as in include/registry.lua
-- KEYS[2] info   hash: node → since when it has its lease (ms), a line end, and its description as JSON
-- KEYS[3] all    as in include/registry.lua
-- KEYS[4] clock  as in include/append.lua; here also quiet: a position that a probe took, and that of the last event before;
--         evicted, as in include/evictions.lua; and db: the number of the database, which a script cannot ask for
-- ARGV[1] node
-- ARGV[2] ttl    ms
-- ARGV[3] description
-- ARGV[4] ahead  ms: leases of others that run out by then are looked for
-- ARGV[5] count  1: counts the connections of the node
-- ARGV[6] retention  of the logs, ms
-- ARGV[7] probe  pub/sub channel; '': no probe is due
-- ARGV[8] heard  the last position of which the node heard on its link; 0: of none
-- ARGV[9] recent ms: an announcement that is no older proves the link, if it is of the last event
-- ARGV[10] database  its number
-- ARGV[#] replid as in include/line.lua
--
-- Returns 1 if the lease is new (there was none, or it was being swept), else 0; how many connections are registered for
-- the node, or -1; in how many ms the first lease of another node runs out, or -1; and of the probe: in words why it failed, 0
-- if it is on its way; or the position up to which the link is proven, the last event, and for how long (ms) it was known.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include evictions
-- @include full

local nodesKey, infoKey, allKey, clockKey = unpack(KEYS, 1, 4)
local node, ttl, description, ahead, isCounted = unpack(ARGV, 1, 5)
local retentionText, probeChannel, heard, recent, database = unpack(ARGV, 6, 10)

local MOST_LEASES = 3
local LOOK_EVERY = 30000 * POSITIONS_PER_MS
local EPHEMERAL_TEXT = ' te\nid: '

local now = readTime()

-- Returns whether the node must have lost its lease or may have it; and in how many ms the first one of another runs out.
local function readLeases()
  local leases = redis.call('ZRANGEBYSCORE', nodesKey, '-inf', string.format('%.0f', now + ahead), 'WITHSCORES', 'LIMIT', 0, MOST_LEASES)
  local isSwept, isSeen, runsOut = false, #leases < 2 * MOST_LEASES, -1
  for i = #leases - 1, 1, -2 do
    local expires = tonumber(leases[i + 1])
    if leases[i] == node then
      isSeen, isSwept = true, expires == 0
    else
      runsOut = math.max(0, expires - now)
    end
  end
  if not isSeen then isSwept = redis.call('ZSCORE', nodesKey, node) == '0' end
  return isSwept, runsOut
end

-- Returns whether the node had a lease.
local function prolong()
  local expires = string.format('%.0f', now + ttl)
  local changed = redis.pcall('ZADD', nodesKey, 'XX', 'CH', expires, node)
  if type(changed) == 'table' then
    allowWhenFull(nodesKey)
    changed = redis.call('ZADD', nodesKey, 'XX', 'CH', expires, node)
  end
  if changed == 1 then return true end
  -- Renewed in this very millisecond, or not there.
  if redis.call('ZSCORE', nodesKey, node) then return true end
  allowWhenFull(nodesKey)
  redis.call('ZADD', nodesKey, expires, node)
  return false
end

local function publishProbe(position, last, clock)
  local record = string.format('%.0f ', position) .. last .. EPHEMERAL_TEXT .. toId(position) .. '\n\n'
  local replid = clock.replid
  local receivers = redis.pcall('PUBLISH', probeChannel, record)
  return { type(receivers) == 'table' and receivers.err or 0 }
end

-- Looks for evictions now and then: the more often, the fewer logs pass for younger than they are.
local function noteEvictions(text, last)
  local stored = parseEvictions(text)
  if last - (stored.looked or 0) < LOOK_EVERY then return end
  local found = lookForEvictions(stored, last, (now - retentionText) * POSITIONS_PER_MS)
  if found ~= stored then redis.pcall('HSET', clockKey, 'evicted', formatEvictions(found)) end
end

-- For publishers that are no hub, which name the pub/sub channel by themselves: databases share these.
local function noteDatabase(noted)
  if noted ~= database then redis.pcall('HSET', clockKey, 'db', database) end
end

-- Proves that announcements arrive: by one that did, or by a probe. Its `prev` is the last event of the hub.
local function prove()
  local stored = redis.call('HMGET', clockKey, 'last', 'since', 'retention', 'quiet', 'evicted', 'replid', 'db')
  noteDatabase(stored[7])
  if not (stored[1] and stored[2]) or stored[3] ~= retentionText then
    local clock = openClock(clockKey, retentionText, 1, ARGV[#ARGV])
    return publishProbe(clock.position, string.format('%.0f', clock.position - 1), clock), clock.line
  end
  local last = tonumber(stored[1])
  local taken, event = string.match(stored[4] or '', '^(%d+) (%d+)$')
  if taken ~= stored[1] then event = stored[1] end
  local age = now - math.floor(tonumber(event) / POSITIONS_PER_MS)
  noteEvictions(stored[5], last)
  local position = math.max(now * POSITIONS_PER_MS, last + 1)
  local text = string.format('%.0f', position)
  -- Before `last` is written. An idle process hears of a line by nothing else.
  local line = onItsLine(clockKey, stored[6], last, position, ARGV[#ARGV], tonumber(stored[2]))
  if heard == event and age >= 0 and age <= tonumber(recent) then return { last, tonumber(event), age }, line end
  redis.call('HSET', clockKey, 'last', text, 'quiet', text .. ' ' .. event)
  return publishProbe(position, event, { replid = line and line[1] or stored[6] or '-' }), line
end

local isSwept, runsOut = readLeases()
local isNew = not prolong() or isSwept
if isNew then
  redis.call('HSET', infoKey, node, string.format('%.0f', now) .. '\n' .. description)
  noteDatabase()
end
-- '/' comes after '.'.
local connections = isCounted == '1' and redis.call('ZLEXCOUNT', allKey, '[' .. node .. '.', '(' .. node .. '/') or -1
local proof, line
if probeChannel ~= '' then proof, line = prove() end
local reply = { isNew and 1 or 0, connections, runsOut, unpack(proof or {}) }
reply[#reply + 1] = line
return reply
