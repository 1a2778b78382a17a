-- Tombstones: a log that is kept for a shorter time than others leaves the position of its newest event, since later nothing else
-- would say that there were events (docs/decisions/027). Needs include/position.lua.
--
-- They are in a sorted set: log → position. The clock's field `buried` says up to which position of the clock any of them may
-- count. Without it, as in a hub without such logs, nobody looks for one.

-- tombstoneOf(…): the position up to which events of a log that is not there may have been forgotten; 0: none were.
--
-- tombstonesKey  nil: the caller has none
-- buried         of the clock
-- last           the last position given out
local function tombstoneOf(tombstonesKey, buried, logKey, last)
  if not buried or not tombstonesKey or tonumber(buried) < last then return 0 end
  local position = redis.pcall('ZSCORE', tombstonesKey, logKey)
  -- Refused, as to a user without the right to it: whatever there was may have been forgotten.
  if type(position) == 'table' then return last end
  return tonumber(position or 0)
end

-- mayBury(…): raises an error where a tombstone could not be left, as for a user without the right to it. Nothing is to be stored then.
local function mayBury(clock)
  if clock.mayBury then return end
  redis.call('ZADD', clock.tombstonesKey, 'XX', 0, '')
  redis.call('ZREMRANGEBYSCORE', clock.tombstonesKey, 0, '(0')
  clock.mayBury = true
end

-- bury(…): leaves tombstones. To be called behind the last `append`, where clock.shortLived is set.
--
-- clock  of openClock
local function bury(clock)
  local tombstonesKey, buried, ms = clock.tombstonesKey, clock.buried, clock.ms
  local members, newest = {}, ms
  for logKey, position in pairs(clock.shortLived) do
    -- Ahead of the time where the clock of Redis was set back.
    newest = math.max(newest, math.floor(position / POSITIONS_PER_MS))
    members[#members + 1] = string.format('%.0f', position)
    members[#members + 1] = logKey
  end
  redis.call('ZADD', tombstonesKey, unpack(members))
  local kept = clock.retention + EXPIRY_MARGIN
  if buried and tonumber(buried) >= (newest + kept) * POSITIONS_PER_MS then return end
  -- Now and then: for twice as long as it has to be.
  redis.call('ZREMRANGEBYSCORE', tombstonesKey, '-inf', string.format('(%.0f', (ms - kept) * POSITIONS_PER_MS))
  redis.call('PEXPIRE', tombstonesKey, string.format('%.0f', newest - ms + 2 * kept + EXPIRY_MARGIN))
  redis.call('HSET', clock.key, 'buried', string.format('%.0f', (newest + 2 * kept) * POSITIONS_PER_MS))
end
