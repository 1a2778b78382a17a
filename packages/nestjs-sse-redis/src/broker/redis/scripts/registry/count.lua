-- Counts connections.
--
-- KEYS[1] index  zset; or the hash of addresses
-- ARGV[1] min    as ZLEXCOUNT takes it; '': all; 'address': the count of an address
-- ARGV[2] max    or the address

if ARGV[1] == 'address' then return tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or 0) end
if ARGV[1] == '' then return redis.call('ZCARD', KEYS[1]) end
return redis.call('ZLEXCOUNT', KEYS[1], ARGV[1], ARGV[2])
