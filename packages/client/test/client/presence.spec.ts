import { until } from '@nestjs-sse-redis/testing';
import type { Presence, PresenceView } from '../../src/client/presence.js';
import { watchPresence } from '../../src/client/presence.js';
import { RawServer, status } from '../fixtures/raw-server.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const ANNA = { users: [{ user: 'anna', connections: 1 }], connections: 1, anonymous: 0 };

let server: RawServer;
let end: () => void;

afterEach(async () => {
  end();
  await server.stop();
});

it.each([
  ['an error of Nest', 401, { statusCode: 401, message: 'Unauthorized' }],
  ['null', 200, null],
])('keeps what is known of a presence where the answer is %s, and says so', async (_, code, body) => {
  server = await RawServer.start(
    status(200, JSON_TYPE, JSON.stringify(ANNA)),
    status(code, JSON_TYPE, JSON.stringify(body)),
  );
  // As in the guide: no status is looked at.
  const load = (signal: AbortSignal) =>
    fetch(server.url, { signal }).then((answer) => answer.json() as Promise<Presence>);
  const views: PresenceView[] = [];
  const client = { state: { status: 'open', since: 0 } as const, onState: () => () => undefined };
  end = watchPresence(client, load, (view) => views.push(view), { interval: 500 });
  await until(() => views.length >= 2);
  expect(views[0]).toEqual({ ...ANNA, isLoaded: true });
  expect(views[1]).toEqual({ ...ANNA, isLoaded: true, error: expect.any(TypeError) });
});
