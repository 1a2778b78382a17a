import { forEachAdapter, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { SseHub } from 'nestjs-sse-redis';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { newsModule } from './news.app.js';

const LAST_CHUNK = '0\r\n\r\n';

/**
 * A connection that a client has kept. The first line of its next request is on the way when the process begins to shut down: Node 26
 * ends a connection then that carries nothing, earlier versions keep it.
 */
class SpareConnection {
  received = '';
  isClosed = false;

  static async open(url: string): Promise<SpareConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const spare = new SpareConnection(socket);
    spare.begin();
    return spare;
  }

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data: Buffer) => (this.received += data.toString()));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined);
  }

  get answers(): number {
    return this.received.split('HTTP/1.1 200').length - 1;
  }

  begin(): void {
    this.socket.write('GET /news HTTP/1.1\r\n');
  }

  complete(accept: string): void {
    this.socket.write(`Host: localhost\r\nAccept: ${accept}\r\n\r\n`);
  }

  close(): void {
    this.socket.destroy();
  }
}

let running: RunningApp;
let spare: SpareConnection;
let closed: Promise<void>;

/** A server with a connection that carries no request does not close: Node holds it for one that has begun to. */
async function beginToClose(adapter: 'express' | 'fastify'): Promise<void> {
  running = await startApp(newsModule({}), adapter);
  const server = running.app.getHttpServer() as Server;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  spare = await SpareConnection.open(running.url);
  const [socket] = await accepted;
  await until(() => socket.bytesRead > 0);
  const hub = running.app.get(SseHub);
  closed = running.close();
  await until(() => hub.stats().drain.active);
}

afterEach(async () => {
  spare.close();
  await closed;
});

forEachAdapter((adapter) => {
  it('ends the connection over which an EventSource comes to a process that shuts down', async () => {
    await beginToClose(adapter);
    spare.complete('text/event-stream');
    await until(() => spare.received.endsWith(LAST_CHUNK));
    // Node ends an idle connection after its keep-alive time; a client that comes back sooner keeps it.
    spare.begin();
    spare.complete('text/event-stream');
    await until(() => spare.isClosed || spare.answers > 1);
    expect(spare.answers).toBe(1);
    expect(spare.received).toMatch(/retry: \d+\n/);
    await closed;
  });
});

it('leaves the connection to a request that is no event stream (negative control)', async () => {
  await beginToClose('express');
  for (const answers of [1, 2, 3]) {
    if (answers > 1) spare.begin();
    spare.complete('application/json');
    await until(() => spare.answers === answers);
  }
  expect(spare.isClosed).toBe(false);
});
