import { until } from '@nestjs-sse-redis/testing';
import { RawServer, stream } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

let server: RawServer;
const recordings: RecordedConnection[] = [];

function connect(options: { heartbeatTimeout?: number }): RecordedConnection {
  const recorded = new RecordedConnection({ url: server.url, backoff: { min: 10, max: 20 }, ...options });
  recordings.push(recorded);
  return recorded;
}

afterEach(async () => {
  for (const recorded of recordings.splice(0)) recorded.close();
  await server.stop();
});

it('leaves a stream that says nothing, and goes on from its position', async () => {
  server = await RawServer.start(stream('id: 1\ndata: 1\n\n'));
  const watched = connect({ heartbeatTimeout: 300 });
  // Negative control: a connection with more patience.
  const patient = connect({ heartbeatTimeout: 600_000 });
  await until(() => watched.summary.filter((word) => word === 'waiting silent').length >= 2);
  expect(patient.summary).toEqual(['connecting', 'open']);
  await until(() => server.lastEventIds.filter((id) => id === '1').length >= 2);
});

it('leaves a server that accepts a connection and never answers', async () => {
  server = await RawServer.start(() => undefined);
  const recorded = connect({ heartbeatTimeout: 200 });
  await until(() => server.requests.length >= 2);
  // The second attempt may be over as well by now.
  expect(recorded.summary.slice(0, 3)).toEqual(['connecting', 'waiting silent', 'connecting']);
});

it('expects heartbeats as often as the server announces them', async () => {
  const control = 'event: control\ndata: {"connection":"c","secret":"s","heartbeat":80}\n\n';
  server = await RawServer.start(stream(control), stream('data: here\n\n'));
  const recorded = connect({});
  await until(() => recorded.events.length > 0);
  expect(recorded.summary).toContain('waiting silent');
  expect(recorded.controls).toEqual([{ connection: 'c', secret: 's', heartbeat: 80 }]);
});

it('stays with a stream that says something within the time', async () => {
  let written = 0;
  server = await RawServer.start((request, response) => {
    stream()(request, response);
    const timer = setInterval(() => {
      response.write(':\n');
      written++;
    }, 20);
    request.on('close', () => clearInterval(timer));
  });
  // Ten seconds for a comment each 20 ms: a busy machine keeps that.
  const recorded = connect({ heartbeatTimeout: 10_000 });
  await until(() => written > 50);
  expect(recorded.summary).toEqual(['connecting', 'open']);
});

it('reads what has arrived before it leaves, where its own timers stood still', async () => {
  let write: (text: string) => void = () => undefined;
  server = await RawServer.start((request, response) => {
    stream(':\n')(request, response);
    write = (text) => void response.write(text);
  });
  const recorded = connect({ heartbeatTimeout: 1_000 });
  await until(() => recorded.state.status === 'open');
  write('data: meanwhile\n\n');
  // As a frozen page, or a machine that sleeps: no timer and no reading.
  const end = Date.now() + 2_500;
  while (Date.now() < end);
  const timer = setInterval(() => write(':\n'), 50);
  await until(() => recorded.events.length === 1);
  const thawed = Date.now();
  await until(() => Date.now() - thawed > 1_500);
  clearInterval(timer);
  expect(recorded.summary).toEqual(['connecting', 'open']);
});
