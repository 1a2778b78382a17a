-- Reads the record of a connection.
--
-- KEYS[1] connections  as in include/registry.lua
-- ARGV[1] id

return redis.call('HGET', KEYS[1], ARGV[1])
