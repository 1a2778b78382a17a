import { forEachAdapter, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { SseHub } from 'nestjs-sse-redis';
import { connect, type Socket } from 'node:net';
import { newsModule } from './news.app.js';

const REQUEST = 'GET /news HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n';

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  let socket: Socket;
  let received = '';

  beforeEach(async () => {
    running = await startApp(newsModule({ registry: { sweepInterval: 100 } }), adapter);
    hub = running.app.get(SseHub);
    received = '';
    const { hostname, port } = new URL(running.url);
    socket = connect(Number(port), hostname);
    socket.on('data', (data: Buffer) => (received += data.toString()));
  });
  afterEach(async () => {
    socket.destroy();
    await running.close();
  });

  it('serves a stream whose request was sent behind another one', async () => {
    socket.write(REQUEST.replace('/news', '/none') + REQUEST);
    await until(() => hub.stats().connections === 1);
    await hub.publish('news', { data: 'hello' });
    await until(() => received.includes('data: hello'));
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
  });

  it('closes the streams that wait behind another one when their client is gone', async () => {
    socket.write(REQUEST + REQUEST + REQUEST);
    await until(() => hub.stats().connectionStates.live === 3);
    socket.destroy();
    await until(() => hub.stats().connections === 0);
    expect(hub.stats().closes).toEqual({ left: 3 });
  });
});
