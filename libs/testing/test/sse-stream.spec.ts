import { SseStream, until } from '@nestjs-sse-redis/testing';
import { openStream, startStreamServer, type StreamServer } from './fixtures/stream-server.js';

let server: StreamServer;
let stream: SseStream;

async function open(options?: Parameters<typeof SseStream.open>[1]): Promise<void> {
  server = await startStreamServer();
  stream = SseStream.open(server.url, options);
  await stream.opened;
}

afterEach(async () => {
  await stream.close();
  await server.stop();
});

describe('SseStream', () => {
  it('records what comes: messages, blocks, comments, retry, the answer', async () => {
    await open();
    server.write(':hi\n\nretry: 1234\nid: 1\n\nid: 2\nevent: t\ndata: a\n\ndata: b\n\n');
    await expect(stream.waitFor(2)).resolves.toEqual([
      { id: '2', type: 't', data: 'a' },
      { id: '2', type: 'message', data: 'b' },
    ]);
    expect(stream.blocks.map(({ id }) => id)).toEqual([undefined, '1', '2', undefined]);
    expect(stream.comments).toEqual(['hi']);
    expect([stream.lastEventId, stream.retry, stream.status]).toEqual(['2', 1234, 200]);
    expect(stream.headers['content-type']).toMatch(/event-stream/);
  });

  it('tells events of the application from the hub events among the messages', async () => {
    await open();
    server.write('id: 1\nevent: position\ndata:\n\nid: 2\ndata: a\n\nevent: error\ndata: {}\n\n');
    server.write(
      'id: 2\nevent: gap\ndata: {}\n\nid: 3~9\nevent: t\ndata: late\n\nid: 9\nevent: end\ndata: {}\n\n',
    );
    await expect(stream.waitForEvents(2)).resolves.toMatchObject([{ data: 'a' }, { data: 'late' }]);
    await stream.waitFor(({ type }) => type === 'end');
    expect(stream.messages.map(({ id, type }) => [id, type])).toEqual([
      ['2', 'message'],
      ['2', 'error'],
      ['2', 'gap'],
      ['3~9', 't'],
      ['9', 'end'],
    ]);
    expect(stream.eventIds).toEqual(['2', '3']);
    expect(stream.blocks.map(({ isPosition }) => isPosition)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('sends what an EventSource sends, and the headers of the test', async () => {
    await open({ lastEventId: '17-ü', headers: { authorization: 'Bearer x' } });
    const { headers } = server.requests[0]!;
    expect(headers.accept).toBe('text/event-stream');
    expect(Buffer.from(headers['last-event-id'] as string, 'latin1').toString()).toBe('17-ü');
    expect(headers.authorization).toBe('Bearer x');
    expect(stream.lastEventId).toBe('17-ü');
  });

  it('sends no Last-Event-ID when it has none', async () => {
    await open();
    expect(server.requests[0]!.headers).not.toHaveProperty('last-event-id');
  });

  it('waits for a message that matches, the earlier ones included', async () => {
    await open();
    const later = stream.waitFor(({ data }) => data === 'b');
    server.write('data: a\n\ndata: b\n\n');
    await expect(later).resolves.toMatchObject({ data: 'b' });
    await expect(stream.waitFor(({ data }) => data === 'a')).resolves.toMatchObject({ data: 'a' });
  });

  it('waits for a block without an event, and hands every block to onBlock', async () => {
    const ids: (string | undefined)[] = [];
    await open({ onBlock: ({ id }) => ids.push(id) });
    server.write('id: 5\n\n');
    await expect(stream.waitForBlock(({ id }) => id === '5')).resolves.toMatchObject({ message: undefined });
    expect(ids).toEqual(['5']);
  });

  it('gives up waiting with what it has got', async () => {
    await open();
    server.write('data: only\n\n');
    await stream.waitFor(1);
    await expect(stream.waitFor(2, 20)).rejects.toThrow(
      /20 ms passed while waiting for 2 messages; 1 came.*only/,
    );
  });

  it('passes on what a predicate throws', async () => {
    await open();
    const waiting = stream.waitFor(({ data }) => {
      throw new Error(`not ${data}`);
    });
    server.write('data: this\n\n');
    await expect(waiting).rejects.toThrow('not this');
  });

  it('stops waiting when the stream is over', async () => {
    await open();
    const waiting = stream.waitFor(1);
    server.open.forEach((response) => response.end());
    await expect(waiting).rejects.toThrow(/the stream is over \(end\) while waiting for 1 message/);
    await expect(stream.waitFor(1)).rejects.toThrow(/the stream is over/);
  });
});

describe('ended', () => {
  it('"end" when the server finishes', async () => {
    await open();
    server.open.forEach((response) => response.end('data: last\n\ndata: incomplete'));
    await expect(stream.ended).resolves.toBe('end');
    expect(stream.messages.map(({ data }) => data)).toEqual(['last']);
  });

  it('"error" when the connection breaks', async () => {
    await open();
    server.open.forEach((response) => response.destroy());
    await expect(stream.ended).resolves.toBe('error');
    expect(stream.error).toBeDefined();
  });

  it('"closed" when the test closes it, which the server notices', async () => {
    await open();
    await expect(stream.close()).resolves.toBe('closed');
    await until(() => server.open.size === 0);
    expect(stream.error).toBeUndefined();
  });
});

describe('opened', () => {
  it('rejects when the test closes it before the answer, which the server notices too', async () => {
    server = await startStreamServer(() => {});
    stream = SseStream.open(server.url);
    await until(() => server.open.size === 1);
    await stream.close();
    await expect(stream.opened).rejects.toThrow(/did not open: the stream is over \(closed\)/);
    await until(() => server.open.size === 0);
  });

  it('rejects when there is no server', async () => {
    server = await startStreamServer();
    await server.stop();
    stream = SseStream.open(server.url);
    await expect(stream.opened).rejects.toThrow(/did not open.*error: .*ECONNREFUSED/);
    await expect(stream.ended).resolves.toBe('error');
  });

  it.each([
    [503, 'text/event-stream', 'busy'],
    [200, 'application/json', '{"a":1}'],
    [204, 'text/event-stream', ''],
  ])('rejects a %i %s, whose answer can be read', async (status, type, body) => {
    server = await startStreamServer((_, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    stream = SseStream.open(server.url);
    await expect(stream.opened).rejects.toThrow(`answer ${status}`);
    expect(stream).toMatchObject({ status, body, isEventStream: false });
  });
});

describe('pause', () => {
  it('leaves the server with what it cannot write, until resume', async () => {
    const megabyte = `data: ${'x'.repeat(1 << 20)}\n\n`;
    server = await startStreamServer((_, response) => openStream(response));
    stream = SseStream.open(server.url);
    stream.pause();
    await stream.opened;
    const [response] = server.open;
    for (let i = 0; i < 20; i++) response!.write(megabyte);
    // The kernel's buffers are full when what is left no longer shrinks; a reader would have had it all by then.
    let before = Infinity;
    const left = await until(
      () => {
        const now = response!.writableLength;
        const isStuck = now === before && now;
        before = now;
        return isStuck;
      },
      { interval: 50 },
    );
    expect(left).toBeGreaterThan(1 << 20);
    expect(stream.messages.length).toBe(0);

    stream.resume();
    await stream.waitFor(20);
    expect(response!.writableLength).toBe(0);
  });
});
