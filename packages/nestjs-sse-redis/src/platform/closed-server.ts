import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Server } from 'node:http';

/**
 * Calls a function when the server of the application is closed, whoever does it.
 *
 * A server that closes takes no new clients, and waits for those that it has. The Apollo driver of `@nestjs/graphql` closes it in its
 * `onModuleDestroy()`, which Nest calls before the hub may hand its clients over. Apollo then waits 10 s for them, and cuts them all at once.
 */
export function onServerClose(adapter: AbstractHttpAdapter | undefined, listener: () => void): void {
  const server = adapter?.getHttpServer?.() as Server | undefined;
  if (typeof server?.close !== 'function') return;
  const close = server.close.bind(server);
  server.close = (callback) => {
    listener();
    return close(callback);
  };
}
