import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { Registry } from 'prom-client';
import { exposeMetrics } from '../../src/metrics/index.js';
import { Rooms } from '../http/rooms.app.js';

let redis: RedisServer;
let rooms: Rooms;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterEach(() => rooms.stop());
afterAll(() => redis.stop());

async function start() {
  rooms = await Rooms.start('fastify', redis, { limits: { connections: 2 } }, 1);
  return rooms.nodes[0]!;
}

it('exposes what the hub counts, read when it is scraped', async () => {
  const node = await start();
  const register = new Registry();
  exposeMetrics(node.hub, { register });
  const { stream } = await rooms.client(node, 'news');
  const other = await rooms.client(node, 'news');
  await node.hub.publish('news', { data: 1 });
  await stream.waitFor(1);
  await other.stream.waitFor(1);
  await rooms.stream(node, 'news').ended;
  await other.stream.close();
  await until(() => node.hub.stats().connections === 1);

  const text = await register.metrics();
  for (const line of [
    'sse_connections{state="live"} 1',
    'sse_channels 1',
    'sse_events_published_total 1',
    'sse_events_delivered_total 2',
    'sse_publish_to_write_seconds_count 1',
    'sse_publish_to_write_seconds_bucket{le="+Inf"} 1',
    'sse_catch_ups_total{cause="connect",source="memory"} 2',
    'sse_gaps_total{cause="retention"} 0',
    'sse_gaps_total{cause="announcement"} 0',
    'sse_announcements_lost_total 0',
    'sse_closes_total{reason="left"} 1',
    'sse_refusals_total{code="TOO_MANY_CONNECTIONS"} 1',
    'sse_link_up 1',
    '# TYPE sse_publish_to_write_seconds histogram',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  // Every sample is of a metric that is declared, and none is there twice.
  const names = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ')[0]);
  expect(new Set(names).size).toBe(names.length);
});

it('is understood as OpenMetrics, too', async () => {
  const node = await start();
  const register = new Registry();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  exposeMetrics(node.hub, { register, prefix: 'app_sse_' });
  const text = await register.metrics();
  expect(text).toContain('app_sse_events_published_total 0');
  expect(text.trimEnd()).toMatch(/# EOF$/);
});

it('refuses a second hub under the same names', async () => {
  const node = await start();
  const register = new Registry();
  exposeMetrics(node.hub, { register });
  expect(() => exposeMetrics(node.hub, { register })).toThrow(/already been registered/);
});
