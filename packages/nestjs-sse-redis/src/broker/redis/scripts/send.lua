-- Sends a message to whoever listens, and tells how many that were.
--
-- ARGV[1] channel  pub/sub channel: the inbox of a node
-- ARGV[2] message

return redis.call('PUBLISH', ARGV[1], ARGV[2])
