import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { RawServer, status, stream } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

const HOUR = 3_600_000;
const scope = globalThis as { addEventListener?: unknown };

afterEach(() => {
  jest.restoreAllMocks();
  delete scope.addEventListener;
});

it('connects where the network is back after the clock was set back by an hour', async () => {
  let goOnline!: () => void;
  scope.addEventListener = (type: string, react: () => void) => {
    if (type === 'online') goOnline = react;
  };
  const server = await RawServer.start(status(503), stream('data: 1\n\n'));
  const recorded = new RecordedConnection({
    url: `${server.url}/events`,
    backoff: { min: 2_000, max: 2_000 },
    log: () => undefined,
  });
  try {
    await until(() => recorded.state.status === 'waiting');
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() - HOUR);
    goOnline();
    await until(() => recorded.data.length === 1);
    expect(recorded.data).toEqual(['1']);
  } finally {
    recorded.close();
    await server.stop();
  }
});
