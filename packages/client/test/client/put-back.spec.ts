import { until } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { TrackedChannel } from '../../src/stream/tracked-channel.js';
import { RawServer } from '../fixtures/raw-server.js';

interface Change {
  readonly change: number;
  readonly subscribe: string[];
  readonly after: Record<string, string>;
}

const control = (stream: number) =>
  `id: 100-0\nevent: control\ndata: {"connection":"a.${stream}","secret":"s","channels":["news"]}\n\n`;
const NEWS = 'id: 200-0\n: channel news\ndata: 1\n\n';

/**
 * A client has put `room:1` on its stream after 90-0. The stream breaks before an event of it came, and behind a newer one of another
 * channel.
 *
 * @param marked the server has said that the channel is on
 * @param next is called on the second stream
 * @returns the first changes of two streams
 */
async function loseStream(
  marked: boolean,
  name = 'room:1',
  next: (client: SseClient) => void = () => undefined,
): Promise<Change[]> {
  const changes: Change[] = [];
  let stream: ServerResponse | undefined;
  let begun = 0;
  const server = await RawServer.start((request, response) => {
    if (request.method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write(control(++begun));
      return;
    }
    void text(request).then((body) => {
      const change = JSON.parse(body) as Change;
      changes.push(change);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"refused":[]}');
      const notice = JSON.stringify({ change: change.change, subscribed: change.subscribe });
      if (marked) stream!.write(`id: 100-0\nevent: position\ndata: ${notice}\n\n`);
      if (changes.length === 1) stream!.end(NEWS);
    });
  });
  const client = createClient({
    url: `${server.url}/events`,
    backoff: { min: 10, max: 20 },
    log: () => undefined,
  });
  client.channel(name, { after: '90-0' });
  let streams = 0;
  client.onState(({ status }) => (streams += status === 'open' ? 1 : 0));
  try {
    await until(() => streams >= 2);
    next(client);
    await until(() => changes.length >= 2);
    return changes.slice(0, 2);
  } finally {
    client.close();
    await server.stop();
  }
}

afterEach(() => jest.restoreAllMocks());

it('puts a channel back after its own last id where its stream broke before it was on', async () => {
  const [, second] = await loseStream(false);
  expect(second).toMatchObject({ subscribe: ['room:1'], after: { 'room:1': '90-0' } });
});

it('puts a quiet channel back after the id of its stream, which covers it', async () => {
  const [, second] = await loseStream(true);
  expect(second).toMatchObject({ subscribe: ['room:1'], after: { 'room:1': '200-0' } });
});

it('skips events where the id of another channel counts for one that is not on (negative control)', async () => {
  // oxlint-disable-next-line unbound-method -- called with its own `this`
  const { leave } = TrackedChannel.prototype;
  jest.spyOn(TrackedChannel.prototype, 'leave').mockImplementation(function (this: TrackedChannel, id) {
    this.covered = true;
    leave.call(this, id);
  });
  const [, second] = await loseStream(false);
  expect(second).toMatchObject({ after: { 'room:1': '200-0' } });
});

it('loses a channel that is not put back (negative control)', async () => {
  // oxlint-disable-next-line unbound-method -- called with its own `this`
  const { meet } = TrackedChannel.prototype;
  jest.spyOn(TrackedChannel.prototype, 'meet').mockImplementation(function (
    this: TrackedChannel,
    isOfRoute,
    id,
    isFirst,
  ) {
    meet.call(this, isOfRoute, id, isFirst);
    if (this.change > 0) this.on = true;
  });
  // A change takes along all that is to be asked for.
  const [, second] = await loseStream(true, 'room:1', (client) => client.channel('room:2'));
  expect(second!.subscribe).toEqual(['room:2']);
});

it('asks for a channel that has the name of a property of all objects after its id', async () => {
  const [first, second] = await loseStream(false, '__proto__');
  for (const { subscribe, after } of [first!, second!])
    expect([subscribe, Object.entries(after)]).toEqual([['__proto__'], [['__proto__', '90-0']]]);
});
