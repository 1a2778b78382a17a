import { until } from '@nestjs-sse-redis/testing';
import { RawServer, status, stream } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

describe('tokens', () => {
  let server: RawServer;
  let recorded: RecordedConnection | undefined;
  afterEach(async () => {
    recorded?.close();
    await server.stop();
  });

  it('are refreshed again where the server was away when the fresh one came, and that has run out since', async () => {
    server = await RawServer.start(status(401), status(503), status(401), stream('data: 1\n\n'));
    const asked: boolean[] = [];
    recorded = new RecordedConnection({
      url: `${server.url}/events`,
      backoff: { min: 10, max: 20 },
      log: () => undefined,
      token: ({ refresh }) => {
        asked.push(refresh);
        return 'token';
      },
    });
    await until(() => ['open', 'stopped'].includes(recorded!.state.status));
    expect(recorded.state.status).toBe('open');
    expect(asked).toEqual([false, true, false, true]);
  });

  it('are refreshed where an attempt that was given up has had a fresh one late', async () => {
    server = await RawServer.start(status(401), stream('data: 1\n\n'));
    let late!: (token: string) => void;
    let refreshes = 0;
    recorded = new RecordedConnection({
      url: `${server.url}/events`,
      backoff: { min: 10, max: 20 },
      log: () => undefined,
      token: ({ refresh }) => {
        if (!refresh || ++refreshes !== 1) return 'token';
        return new Promise((resolve) => (late = resolve));
      },
    });
    const { connection } = recorded;
    await until(() => refreshes === 1);
    connection.reconnect();
    await until(() => recorded!.data.length === 1);
    late('token');
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.answer(status(401), stream('data: 2\n\n'));
    server.reset();
    await until(() => recorded!.data.length === 2 || recorded!.state.status === 'stopped');
    expect(recorded.data).toEqual(['1', '2']);
  });

  it('are left out where there is none, as localStorage.getItem() says', async () => {
    server = await RawServer.start(stream('data: 1\n\n'));
    recorded = new RecordedConnection({ url: `${server.url}/events`, token: () => null as never });
    await until(() => recorded!.data.length === 1);
    expect(server.requests[0]!.headers.authorization).toBeUndefined();
  });
});
