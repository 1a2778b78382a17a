-- Counts connections.
--
-- KEYS[1] index  zset; or the hash of addresses
-- ARGV[1] min    as ZLEXCOUNT takes it; '': all; 'address': the count of an address
-- ARGV[2] max    or the address

local index, min, max = KEYS[1], ARGV[1], ARGV[2]

if min == 'address' then return tonumber(redis.call('HGET', index, max) or 0) end
if min == '' then return redis.call('ZCARD', index) end
return redis.call('ZLEXCOUNT', index, min, max)
