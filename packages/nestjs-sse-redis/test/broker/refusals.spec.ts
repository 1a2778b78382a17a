import { toRefusal, toRefusalCode } from '../../src/broker/redis/refusals.js';

const SHA = '564db35d593a8986b7b78e80bcfab34ed7e8d5b5';
const IN_62 = `ERR Error running script (call to f_${SHA}): @user_script:1: @user_script: 1: `;
const IN_7 = ` script: ${SHA}, on @user_script:1.`;
const READONLY = "READONLY You can't write against a read only replica.";
const OOM = "OOM command not allowed when used memory > 'maxmemory'.";

/** Replies that were read from Redis 6.2.14, 7.0.15, 8.2.3 and Valkey 9.1.2: from a command, `redis.call`, `redis.pcall` and Lua's `pcall`. */
const replies = [
  ['all', READONLY, 'REDIS_READONLY'],
  ['6.2.14', `${IN_62}-${READONLY}`, 'REDIS_READONLY'],
  ['6.2.14', `@user_script: 1: -${READONLY}\r\n`, 'REDIS_READONLY'],
  ['6.2.14', `=[C]: -1: -${READONLY}\r\n`, 'REDIS_READONLY'],
  ['7.0.15, 8.2.3', `${READONLY}${IN_7}`, 'REDIS_READONLY'],
  ['Valkey 9.1.2', `${READONLY} script: on @user_script:1.`, 'REDIS_READONLY'],
  ['all', OOM, 'REDIS_OUT_OF_MEMORY'],
  ['6.2.14', `${IN_62}-${OOM}`, 'REDIS_OUT_OF_MEMORY'],
  ['6.2.14', `=[C]: -1: -${OOM}\r\n`, 'REDIS_OUT_OF_MEMORY'],
  ['7.0.15, 8.2.3', `${OOM}${IN_7}`, 'REDIS_OUT_OF_MEMORY'],
  [
    'all',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'REDIS_MASTER_DOWN',
  ],
  ['all', 'NOREPLICAS Not enough good replicas to write.', 'REDIS_NO_REPLICAS'],
  ['6.2.14', `${IN_62}-NOREPLICAS Not enough good replicas to write.`, 'REDIS_NO_REPLICAS'],
  [
    '6.2.14',
    "NOPERM this user has no permissions to run the 'set' command or its subcommand",
    'REDIS_FORBIDDEN',
  ],
  ['6.2.14', `${IN_62}The user executing the script can't run this command or subcommand`, 'REDIS_FORBIDDEN'],
  [
    '6.2.14',
    "=[C]: -1: The user executing the script can't publish to the channel mentioned in the command",
    'REDIS_FORBIDDEN',
  ],
  [
    '7.0.15',
    `ERR The user executing the script can't run this command or subcommand${IN_7}`,
    'REDIS_FORBIDDEN',
  ],
  ['8.2.3, Valkey 9.1.2', 'ERR ACL failure in script: No permissions to access a channel', 'REDIS_FORBIDDEN'],
  [
    '8.2.3, Valkey 9.1.2',
    `ERR ACL failure in script: User a has no permissions to run the 'set' command${IN_7}`,
    'REDIS_FORBIDDEN',
  ],
  ['8.2.3, Valkey 9.1.2', 'NOPERM No permissions to access a key', 'REDIS_FORBIDDEN'],
  ['all', 'WRONGPASS invalid username-password pair or user is disabled.', 'REDIS_UNAUTHENTICATED'],
  [
    'all',
    'NOAUTH HELLO must be called with the client already authenticated, otherwise …',
    'REDIS_UNAUTHENTICATED',
  ],
  [
    '6.2.14, 7.0.15, 8.2.3',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'REDIS_BUSY',
  ],
  [
    'Valkey 9.1.2',
    'BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'REDIS_BUSY',
  ],
  ['7.0.15', 'MOVED 5706 127.0.0.1:21851', 'REDIS_MOVED'],
  ['7.0.15', 'ASK 5706 127.0.0.1:21851', 'REDIS_MIGRATING'],
  ['7.0.15', 'TRYAGAIN Multiple keys request during rehashing of slot', 'REDIS_MIGRATING'],
  // Not answered by a server here, but read from the program of 7.0.15.
  ['7.0.15', 'LOADING Redis is loading the dataset in memory', 'REDIS_LOADING'],
  ['7.0.15', 'CLUSTERDOWN The cluster is down', 'REDIS_CLUSTER_DOWN'],
  ['7.0.15', 'CLUSTERDOWN Hash slot not served', 'REDIS_CLUSTER_DOWN'],
  [
    '7.0.15',
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.",
    'REDIS_MISCONFIGURED',
  ],
  ['7.0.15', 'MISCONF Errors writing to the AOF file: No space left on device', 'REDIS_MISCONFIGURED'],
  ['all', 'WRONGTYPE Operation against a key holding the wrong kind of value', 'REDIS_REFUSED'],
  // The words of a command's error alone decide, not what a name in it says.
  ['none', "ERR unknown command 'READONLY'", 'REDIS_REFUSED'],
] as const;

it.each(replies)('classifies what %s replies (%s) as %s', (_, reply, code) => {
  expect(toRefusalCode(reply)).toBe(code);
});

it('names the rights in the message where one is missing, and leaves out the words of scripts', () => {
  const cause = new Error(`${IN_62}The user executing the script can't run this command or subcommand`);
  expect(toRefusal(cause, '127.0.0.1:6379', '~{sse}:* +@all')).toMatchObject({
    code: 'REDIS_FORBIDDEN',
    message:
      "Redis at 127.0.0.1:6379 refused: The user executing the script can't run this command or subcommand. The user of the hub needs the rights ~{sse}:* +@all.",
    cause,
  });
});
