import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import type { ConnectionOptions } from 'nestjs-sse-redis-client';
import { RawServer, status, stream, type RawAnswer } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

let server: RawServer;
let recorded: RecordedConnection;
let lines: string[];

beforeEach(() => {
  lines = [];
  jest.spyOn(console, 'error').mockImplementation((...words) => void lines.push(words.map(String).join(' ')));
});
afterEach(async () => {
  recorded.close();
  await server.stop();
  jest.restoreAllMocks();
});

async function connect(answers: RawAnswer[], options: Partial<ConnectionOptions> = {}): Promise<void> {
  server = await RawServer.start(...answers);
  recorded = new RecordedConnection({
    url: `${server.url}/events`,
    backoff: { min: 10, max: 20 },
    ...options,
  });
}

/** As of React Native, or a wrapper of it. */
const withoutBody: typeof fetch = async (...request) => {
  const { status, headers } = await fetch(...request);
  return { status, headers, body: null } as Response;
};

const attempts = () => recorded.summary.filter((word) => word === 'connecting').length;

describe('a connection without a log', () => {
  it.each<[string, RawAnswer[], Partial<ConnectionOptions>, string]>([
    ['by the page of a proxy', [status(200, { 'content-type': 'text/html' })], {}, 'http 200'],
    ['by a status', [status(502)], {}, 'http 502'],
    ['by a URL that is none', [status(502)], { url: '/events' }, 'Failed to parse URL from /events'],
    [
      'by a token that cannot be had',
      [status(502)],
      { token: () => Promise.reject(new Error('signed out')) },
      'signed out',
    ],
    ['by a fetch that gives no body to read', [stream('data: 1\n\n')], { fetch: withoutBody }, 'getReader'],
  ])(
    'says once on the console why it has no stream, where three attempts failed %s',
    async (_, answers, options, why) => {
      await connect(answers, options);
      await until(() => attempts() > 3);
      expect(lines).toEqual([expect.stringContaining(why)]);
      await until(() => attempts() > 8);
      expect(lines).toHaveLength(1);
    },
  );

  describe('in a program that has no fetch, as with jsdom in Jest', () => {
    const given = globalThis.fetch;
    beforeEach(() => void Reflect.deleteProperty(globalThis, 'fetch'));
    afterEach(() => {
      globalThis.fetch = given;
    });

    it('says so at once', async () => {
      await connect([stream(':\n')], { backoff: { min: 60_000, max: 60_000 } });
      await until(() => recorded.state.status === 'waiting');
      expect(lines).toEqual([expect.stringContaining('fetch is not defined')]);
    });

    it('says so once more after three attempts, and not at each of them', async () => {
      await connect([stream(':\n')]);
      await until(() => attempts() > 8);
      expect(lines).toEqual(Array(2).fill(expect.stringContaining('fetch is not defined')));
    });
  });

  it.each([404, 400, 431])(
    'says once that it has stopped, at a status that does not pass: %d',
    async (code) => {
      await connect([status(code)]);
      await until(() => recorded.state.status === 'stopped');
      expect(lines).toEqual([expect.stringContaining(`No stream: http ${code}`)]);
    },
  );

  it('says that it has stopped at such a status also where there was a stream before', async () => {
    await connect([stream(':\n'), status(404)]);
    await until(() => recorded.state.status === 'open');
    server.reset();
    await until(() => recorded.state.status === 'stopped');
    expect(lines).toEqual([expect.stringContaining('No stream: http 404')]);
  });

  it.each([204, 401, 403])(
    'says nothing of an answer for which applications have a state: %d',
    async (code) => {
      await connect([status(code)]);
      await until(() => recorded.state.status === 'stopped');
      expect(lines).toEqual([]);
    },
  );

  it.each([204, 401, 403])(
    'says nothing of an answer for which applications have a state behind two failures: %d',
    async (code) => {
      await connect([status(502), status(502), status(code)]);
      await until(() => recorded.state.status === 'stopped');
      expect(lines).toEqual([]);
    },
  );

  it('says nothing of an outage that follows on a stream', async () => {
    await connect([stream(':\n'), status(502)]);
    await until(() => recorded.state.status === 'open');
    server.reset();
    await until(() => attempts() > 5);
    expect(lines).toEqual([]);
  });
});

describe('a log that throws', () => {
  const log = () => {
    throw new Error('the log is broken');
  };

  it('keeps no client from its next attempt, and is reported on the console', async () => {
    await connect([status(502), status(502), status(502), stream('data: 1\n\n')], { log });
    await until(() => recorded.data.length === 1);
    expect(lines).toEqual([expect.stringContaining('the log is broken')]);
  });
});

describe('a log that acts on the client', () => {
  const refusing: typeof fetch = () => Promise.reject(new Error('away'));

  it('closes the client for good', async () => {
    await connect([stream(':\n')], { log: () => recorded.close(), fetch: refusing });
    await until(() => attempts() > 1 || recorded.state.status === 'stopped');
    expect(recorded.summary).toEqual(['connecting', 'waiting network', 'stopped closed']);
  });

  it('makes the client connect at once, and leaves no wait that would cut that stream', async () => {
    let isFirst = true;
    const log = () => {
      isFirst = false;
      recorded.connection.reconnect();
    };
    await connect([stream('data: 1\n\n')], { log, fetch: (...one) => (isFirst ? refusing : fetch)(...one) });
    await until(() => recorded.data.length === 1);
    expect(recorded.summary).toEqual(['connecting', 'waiting network', 'connecting', 'open']);
  });
});
