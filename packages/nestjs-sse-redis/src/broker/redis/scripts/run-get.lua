-- Reads the run of a channel.
--
-- KEYS[1] run  as in include/run.lua

return redis.call('HMGET', KEYS[1], 'id', 'node', 'state', 'began', 'ended')
