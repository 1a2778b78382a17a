/** User and password for Redis. */
export interface RedisCredentials {
  /** Default: Redis' `default` user. */
  readonly username?: string | undefined;
  readonly password: string;
}

/** The type of the option `redisCredentials`. */
export type RedisCredentialsFunction = () => RedisCredentials | Promise<RedisCredentials>;
