-- Sends a message to whoever listens, and tells how many that were.
--
-- KEYS[1] channel  pub/sub channel: the inbox of a node. Declared as a key, so that a cluster says where its slot is
-- ARGV[1] message

return redis.call('PUBLISH', KEYS[1], ARGV[1])
