import { forEachAdapter, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SseHub } from 'nestjs-sse-redis';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { newsModule } from './news.app.js';

/**
 * A connection that a client has kept. The first line of its next request is on the way when the process begins to shut down: Node 26
 * ends a connection then that carries nothing, earlier versions keep it.
 */
class SpareConnection {
  received = '';
  isClosed = false;

  static async open(server: Server, path: string): Promise<SpareConnection> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const spare = new SpareConnection(socket, path);
    spare.begin();
    return spare;
  }

  private constructor(
    private readonly socket: Socket,
    private readonly path: string,
  ) {
    socket.on('data', (data: Buffer) => (this.received += data.toString()));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined);
  }

  get answers(): number {
    return this.received.split('HTTP/1.1 ').length - 1;
  }

  begin(): void {
    this.socket.write(`GET ${this.path} HTTP/1.1\r\n`);
  }

  complete(...headers: string[]): void {
    this.socket.write(['Host: localhost', ...headers, '', ''].join('\r\n'));
  }

  close(): void {
    this.socket.destroy();
  }
}

let running: RunningApp;
let spare: SpareConnection;
let closed: Promise<void>;

/** A server that the application has made by itself, and closes as Nest's documentation of several servers says. */
@Injectable()
class OwnServer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly server = createServer();

  constructor(private readonly host: HttpAdapterHost) {}

  async onApplicationBootstrap(): Promise<void> {
    this.server.on('request', this.host.httpAdapter.getInstance<RequestListener>());
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  async onApplicationShutdown(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

interface Scene {
  readonly adapter: 'express' | 'fastify';
  readonly path?: string;
  readonly isOwnServer?: boolean;
}

async function beginToClose({ adapter, path = '/news', isOwnServer = false }: Scene): Promise<void> {
  running = await startApp({ ...newsModule({}), providers: isOwnServer ? [OwnServer] : [] }, adapter);
  const { app } = running;
  const server = isOwnServer ? app.get(OwnServer).server : (app.getHttpServer() as Server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  spare = await SpareConnection.open(server, path);
  const [socket] = await accepted;
  await until(() => socket.bytesRead > 0);
  const hub = app.get(SseHub);
  // A server with a connection that carries no request does not close: Node holds it for one that has begun to.
  closed = running.close();
  await until(() => hub.stats().drain.active);
}

/** What a proxy needs to know: else it sends another request over the connection as that ends. */
const SAYS_SO = /^connection: close\r$/im;

/**
 * Asks twice, the second time as soon as there is an answer. Node ends an idle connection after its keep-alive time; a client that comes
 * back sooner keeps it.
 *
 * @returns how many answers there were
 */
async function askTwice(...headers: string[]): Promise<number> {
  spare.complete(...headers);
  await until(() => spare.isClosed || spare.answers > 0);
  spare.begin();
  spare.complete(...headers);
  await until(() => spare.isClosed || spare.answers > 1);
  return spare.answers;
}

afterEach(async () => {
  spare.close();
  await closed;
});

forEachAdapter((adapter) => {
  it('ends the connection over which an EventSource comes to a process that shuts down', async () => {
    await beginToClose({ adapter });
    expect(await askTwice('Accept: text/event-stream')).toBe(1);
    expect(spare.received).toMatch(SAYS_SO);
    expect(spare.received).toMatch(/retry: \d+\n/);
  });

  it('ends the connection of a client that does not say what it accepts', async () => {
    await beginToClose({ adapter });
    expect(await askTwice()).toBe(1);
    expect(spare.received).toMatch(SAYS_SO);
  });

  it('ends the connection of a client that prefers a status', async () => {
    await beginToClose({ adapter });
    expect(await askTwice('Accept: text/event-stream', 'Prefer: status')).toBe(1);
    expect(spare.received).toMatch(SAYS_SO);
    expect(spare.received).toContain('HTTP/1.1 503 ');
  });
});

it('ends the connection to a server that the application has made by itself', async () => {
  await beginToClose({ adapter: 'express', isOwnServer: true });
  expect(await askTwice('Accept: text/event-stream')).toBe(1);
  expect(spare.received).toMatch(SAYS_SO);
});

it('leaves the connection to a request for something else (negative control)', async () => {
  await beginToClose({ adapter: 'express', path: '/nothing' });
  for (const answers of [1, 2, 3]) {
    if (answers > 1) spare.begin();
    spare.complete('Accept: application/json');
    await until(() => spare.answers === answers);
  }
  expect(spare.isClosed).toBe(false);
});
