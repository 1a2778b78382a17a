import { until } from '@nestjs-sse-redis/testing';
import { ended, RawServer, status, stream, type RawAnswer } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

const FIRST = 'retry: 20\nid: 1\ndata: first\n\n';
const first = ended(FIRST);
const second = stream('id: 2\ndata: second\n\n');

let server: RawServer;
let recorded: RecordedConnection;

async function connect(...answers: RawAnswer[]): Promise<void> {
  server = await RawServer.start(...answers);
  recorded = new RecordedConnection({ url: server.url, backoff: { min: 20, max: 50 } });
}

/** The second event has come, behind the first one, and on a request that went on from it. */
async function expectRecovery(): Promise<void> {
  await until(() => recorded.events.length === 2, { message: 'the second event comes' });
  expect(recorded.data).toEqual(['first', 'second']);
  expect(server.lastEventIds.at(-1)).toBe('1');
}

const reset: RawAnswer = (request) => request.socket.resetAndDestroy();
const html = (code: number) => status(code, { 'content-type': 'text/html' }, '<h1>Bad Gateway</h1>');

afterEach(async () => {
  recorded.close();
  await server.stop();
});

describe('comes back with its position', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 511])('after the status %d', async (code) => {
    await connect(first, html(code), html(code), second);
    await expectRecovery();
    expect(recorded.summary.filter((word) => word === `waiting http ${code}`)).toHaveLength(2);
  });

  it('after a page of HTML with the status 200', async () => {
    await connect(first, html(200), second);
    await expectRecovery();
    expect(recorded.summary).toContain('waiting http 200');
  });

  it('after a stream that ends without an `end` event', async () => {
    await connect(first, second);
    await expectRecovery();
    expect(recorded.summary).toEqual(['connecting', 'open', 'waiting ended', 'connecting', 'open']);
  });

  it('after a stream that is reset', async () => {
    await connect((request, response) => {
      stream(FIRST)(request, response);
      void until(() => recorded.events.length === 1).then(() => reset(request, response));
    }, second);
    await expectRecovery();
    expect(recorded.summary).toContain('waiting network');
  });

  it('after an answer that is reset before its head', async () => {
    await connect(first, reset, reset, second);
    await expectRecovery();
    expect(recorded.summary.filter((word) => word === 'waiting network')).toHaveLength(2);
  });

  it('after nothing has listened for a while', async () => {
    await connect(stream(FIRST));
    await until(() => recorded.events.length === 1);
    await server.refuse();
    await until(() => recorded.summary.filter((word) => word === 'waiting network').length > 3);
    server.answer(second);
    await server.listen();
    await expectRecovery();
  });

  it('on its first attempt, where that fails', async () => {
    await connect(reset, html(502), stream('data: first\n\n'));
    await until(() => recorded.events.length === 1);
    expect(recorded.summary).toEqual([
      'connecting',
      'waiting network',
      'connecting',
      'waiting http 502',
      'connecting',
      'open',
    ]);
  });
});

describe('stops', () => {
  it.each([
    [204, 'stopped no-content'],
    [400, 'stopped http 400'],
    [401, 'stopped unauthorized 401'],
    [403, 'stopped forbidden 403'],
    [404, 'stopped http 404'],
    [410, 'stopped http 410'],
  ])('after the status %d, and says why', async (code, summary) => {
    await connect(first, status(code));
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe(summary);
    expect(server.requests).toHaveLength(2);
  });

  it('at the final `end`, and keeps its position', async () => {
    const end = 'id: dismissed\nevent: end\ndata: {"reason":"signed-out"}\n\ndata: too late\n\n';
    await connect(stream(FIRST, end));
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe('stopped ended signed-out');
    expect(recorded.events.map(({ type, id }) => [type, id])).toEqual([
      ['message', '1'],
      ['end', '1'],
    ]);
    expect(recorded.connection.lastEventId).toBe('1');
  });

  it('when it is closed, and does nothing more', async () => {
    await connect(stream('data: 1\n\ndata: 2\n\n'));
    await until(() => recorded.events.length === 2);
    recorded.close();
    recorded.connection.start();
    recorded.connection.reconnect();
    expect(recorded.summary.slice(-1)).toEqual(['stopped closed']);
    await until(() => server.connections === 0);
    expect(server.requests).toHaveLength(1);
  });
});

describe('waits', () => {
  /** What the client waited, ms: it chose the time of the next attempt before it told so, and behind the state before. */
  function waits(): { readonly atLeast: number; readonly atMost: number }[] {
    const { states, stateTimes } = recorded;
    return states.flatMap((state, i) => {
      if (state.status !== 'waiting' || state.until === undefined) return [];
      return [{ atLeast: state.until - stateTimes[i]!, atMost: state.until - stateTimes[i - 1]! }];
    });
  }

  it('exactly what `retry:` says, where a stream that worked is handed over', async () => {
    await connect(ended('retry: 70\nid: 1\ndata: first\n\n'), second);
    await expectRecovery();
    const [wait, ...others] = waits();
    expect(others).toEqual([]);
    expect(wait!.atLeast).toBeLessThan(72);
    expect(wait!.atMost).toBeGreaterThan(68);
  });

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('at least what Retry-After says in %s', async (_, retryAfter) => {
    await connect(
      first,
      (request, response) => {
        status(503, { 'retry-after': retryAfter() })(request, response);
      },
      second,
    );
    await expectRecovery();
    expect(waits()[1]!.atMost).toBeGreaterThan(900);
  });

  it('longer after each failure, up to the longest wait', async () => {
    await connect(status(503));
    await until(() => recorded.states.filter(({ status }) => status === 'waiting').length > 8);
    const all = waits();
    expect(Math.max(...all.map(({ atLeast }) => atLeast))).toBeLessThanOrEqual(51);
    expect(Math.min(...all.map(({ atMost }) => atMost))).toBeGreaterThanOrEqual(18);
    expect(recorded.states.slice(-1)[0]).toMatchObject({ attempt: expect.any(Number) });
  });
});

it('lets no listener that throws keep it from the next event', async () => {
  const seen: string[] = [];
  const errors: unknown[] = [];
  server = await RawServer.start(stream('data: 1\n\ndata: 2\n\n'));
  recorded = new RecordedConnection(
    { url: server.url, log: ({ level, error }) => level === 'error' && errors.push(error) },
    ({ data }) => {
      seen.push(data);
      throw new Error(data);
    },
  );
  await until(() => seen.length === 2);
  expect(errors).toEqual([new Error('1'), new Error('2')]);
});

it('asks for a URL, headers and a token for each attempt', async () => {
  server = await RawServer.start(ended('retry: 10\n\n'), ended(), stream('data: last\n\n'));
  let attempts = 0;
  recorded = new RecordedConnection({
    url: () => `${server.url}/${++attempts}`,
    headers: () => Promise.resolve({ 'x-test': String(attempts) }),
    token: () => `token-${attempts}`,
    backoff: { min: 10, max: 20 },
    lastEventId: '7',
  });
  await until(() => recorded.events.length === 1);
  expect(
    server.requests.map(({ url, headers }) => [
      url,
      headers['x-test'],
      headers.authorization,
      headers['last-event-id'],
    ]),
  ).toEqual([1, 2, 3].map((n) => [`/${n}`, String(n), `Bearer token-${n}`, '7']));
});

it('tells no state twice, and each in an object of its own', async () => {
  await connect(first, html(502), reset, second);
  await expectRecovery();
  const { states } = recorded;
  expect(new Set(states).size).toBe(states.length);
  const repeated = states.filter(
    (state, i) => i > 0 && JSON.stringify(state) === JSON.stringify(states[i - 1]),
  );
  expect(repeated).toEqual([]);
});
