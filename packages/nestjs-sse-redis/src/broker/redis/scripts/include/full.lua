-- allowWhenFull(zset): what this script writes from here on is written even if the memory of Redis is full.
--
-- A full Redis refuses a script's first write if that may take memory, but no later one. So the first is one that takes
-- none, and does nothing. For what must go on when nothing can be published any more: renewing leases, or all living
-- nodes would pass for dead, and taking out who has left, which makes room.
local function allowWhenFull(zset)
  redis.call('ZREM', zset, '')
end
