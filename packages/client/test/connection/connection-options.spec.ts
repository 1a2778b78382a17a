import { InvalidClientOptionsError, StreamConnection, type ConnectionOptions } from 'nestjs-sse-redis-client';

const listener = { onEvent() {}, onControl() {}, onState() {} };
const url = 'http://127.0.0.1/';

it.each([
  ['url', {}],
  ['url', { url: 7 }],
  ['transport', { url, transport: 'websocket' }],
  ['transport', { url, transport: 'event-source', token: () => '' }],
  ['transport', { url, transport: 'event-source', headers: {} }],
  ['token', { url, token: 'secret' }],
  ['fetch', { url, fetch: {} }],
  ['log', { url, log: true }],
  ['lastEventId', { url, lastEventId: 'dismissed' }],
  ['heartbeatTimeout', { url, heartbeatTimeout: -1 }],
  ['heartbeatTimeout', { url, heartbeatTimeout: NaN }],
  ['heartbeatTimeout', { url, heartbeatTimeout: 0 }],
  ['backoff.min', { url, backoff: { min: '1' } }],
  ['backoff.max', { url, backoff: { max: Infinity } }],
  ['closeWhenHidden', { url, closeWhenHidden: true }],
])('refuses a wrong %s, and names it: %j', (option, options) => {
  let error: unknown;
  try {
    expect(new StreamConnection(options as unknown as ConnectionOptions, listener)).toBeUndefined();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InvalidClientOptionsError);
  expect(error).toMatchObject({ code: 'INVALID_CLIENT_OPTIONS', option });
  expect(String(error)).toContain(`"${option}"`);
});

it.each<ConnectionOptions>([
  { url: '/relative' },
  { url: new URL(url) },
  { url: () => url },
  { url, transport: 'event-source', credentials: 'include' },
  { url, closeWhenHidden: false, backoff: {}, heartbeatTimeout: 1_000, lastEventId: '1-0~2-0' },
])('takes %j', (options) => {
  expect(() => new StreamConnection(options, listener)).not.toThrow();
});
