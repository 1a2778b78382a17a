import { until } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { TLSSocket } from 'node:tls';
import { canWriteDirectly, mayWriteDirectly, writeDirectly } from '../../src/response/direct-write.js';

const CHUNK = 16_384;
const nobody = { taken: () => undefined };

describe('a write past the queue of a socket', () => {
  let server: Server;
  let client: Socket;
  let socket: Socket;
  let received: Buffer[];

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const connected = once(client, 'connect');
    [socket] = (await once(server, 'connection')) as [Socket];
    await connected;
    received = [];
    client.on('data', (data: Buffer) => received.push(data));
    client.on('error', () => undefined);
    client.pause();
  });
  afterEach(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });

  let letter = 0;
  const chunk = (): Buffer => Buffer.alloc(CHUNK, 'abcdefghijklmnopqrstuvwxyz'[letter++ % 26]);

  /** Until the kernel takes no more. Returns what was written, the last of which it has not taken. */
  function fill(taken: () => void): Buffer[] {
    const written: Buffer[] = [];
    for (;;) {
      const next = chunk();
      written.push(next);
      if (!writeDirectly(socket, next, { taken })) return written;
    }
  }

  const whole = async (length: number): Promise<Buffer> => {
    client.resume();
    await until(() => received.reduce((sum, { length }) => sum + length, 0) === length);
    return Buffer.concat(received);
  };

  it('is done at once as long as the kernel takes it, and leaves nothing in the queue', async () => {
    const first = Buffer.from('first');
    expect(
      writeDirectly(socket, first, {
        taken: () => {
          throw new Error('it was taken before');
        },
      }),
    ).toBe(true);
    expect(socket.writableLength).toBe(0);
    expect((await whole(5)).toString()).toBe('first');
  });

  it('tells when the kernel has taken what it did not take at once, and what follows comes after it', async () => {
    let taken = 0;
    const written = fill(() => taken++);
    const late = [chunk(), chunk(), chunk()];
    for (const each of late) socket.write(each);
    expect(taken).toBe(0);
    const ended = once(client, 'end');
    socket.end('the end');
    const expected = Buffer.concat([...written, ...late, Buffer.from('the end')]);
    expect((await whole(expected.length)).equals(expected)).toBe(true);
    expect(taken).toBe(1);
    await ended;
  });

  /** Bytes that libuv has of the socket: that these become fewer is how Node's timeout sees that a slow client reads. */
  const underWay = (): number =>
    (socket as unknown as { _handle: { writeQueueSize: number } })._handle.writeQueueSize;

  it('is the only one that is under way: what follows waits in the socket, and is counted there', () => {
    fill(() => undefined);
    socket.write(chunk());
    socket.write(chunk());
    expect(underWay()).toBeLessThanOrEqual(CHUNK);
    expect(socket.writableLength).toBe(2 * CHUNK);
  });

  it('would be one of two, were the socket not corked (negative control)', () => {
    jest.spyOn(socket, 'cork').mockReturnValue();
    fill(() => undefined);
    socket.write(chunk());
    expect(underWay()).toBeGreaterThan(CHUNK);
  });

  async function overtake(isAllowed: (socket: Socket, chunk: Buffer) => boolean): Promise<boolean> {
    const written = fill(() => undefined);
    // The first of these is on its way to the kernel, the other waits for it.
    const queued = [chunk(), chunk()];
    for (const each of queued) socket.write(each);
    const next = Buffer.from('next');
    if (isAllowed(socket, next)) writeDirectly(socket, next, nobody);
    else socket.write(next);
    const expected = Buffer.concat([...written, ...queued, next]);
    return (await whole(expected.length)).equals(expected);
  }

  it('may not be where something is in the queue', async () => {
    expect(await overtake(mayWriteDirectly)).toBe(true);
  });

  it('would overtake it (negative control)', async () => {
    expect(await overtake(() => true)).toBe(false);
  });

  it('may not be of a large chunk, which the socket would not count', () => {
    expect(mayWriteDirectly(socket, Buffer.alloc(CHUNK))).toBe(true);
    expect(mayWriteDirectly(socket, Buffer.alloc(CHUNK + 1))).toBe(false);
  });

  it('ends the socket as a write does, where the connection is lost', async () => {
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    client.resetAndDestroy();
    // The kernel knows, the socket was not told of it.
    expect(writeDirectly(socket, chunk(), nobody)).toBe(true);
    expect(socket.destroyed).toBe(true);
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ syscall: 'write' });
    // Neither does one that is closed throw.
    expect(writeDirectly(socket, chunk(), nobody)).toBe(true);
    expect(errors).toHaveLength(1);
  });

  it.each([
    ['destroyed here', () => socket.destroy()],
    ['reset by the client', () => client.resetAndDestroy()],
  ])('tells of nothing when the socket is %s meanwhile', async (_how, end) => {
    socket.on('error', () => undefined);
    let taken = 0;
    // Until the socket knows of the reset, the kernel may still take it.
    fill(() => socket.destroyed && taken++);
    end();
    await until(() => socket.closed);
    expect(taken).toBe(0);
    expect(socket.destroyed).toBe(true);
  });

  it('does not mix up those who wait', async () => {
    const other = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const first = socket;
    [socket] = (await once(server, 'connection')) as [Socket];
    try {
      const taken: string[] = [];
      fill(() => taken.push('second'));
      const second = socket;
      socket = first;
      fill(() => taken.push('first'));
      client.resume();
      await until(() => taken.length === 1);
      expect(taken).toEqual(['first']);
      other.resume();
      await until(() => taken.length === 2);
      expect(taken).toEqual(['first', 'second']);
      second.destroy();
    } finally {
      other.destroy();
    }
  });

  it('is for plain sockets that nobody watches', () => {
    expect(canWriteDirectly(socket)).toBe(true);
    expect(canWriteDirectly(new TLSSocket(new Socket()))).toBe(false);
    socket.write = socket.write.bind<typeof socket.write>(socket);
    expect(canWriteDirectly(socket)).toBe(false);
  });
});
