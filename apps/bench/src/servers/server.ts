/** Starts a server that serves `GET /events?session=…&from=…&count=…`, and gives its port. */
export type StartServer = (redisUrl: string) => Promise<number>;
