import { until } from '@nestjs-sse-redis/testing';
import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import { effectScope } from 'vue';
import { useConnectionState } from '../../src/vue/use-connection-state.js';
import { RawServer, stream } from '../fixtures/raw-server.js';

let server: RawServer;
let client: SseClient;

beforeEach(async () => {
  server = await RawServer.start(stream(': hello\n\n'));
  client = createClient({ url: server.url, log: () => undefined });
});
afterEach(async () => {
  client.close();
  await server.stop();
});

describe('listeners of the state', () => {
  it('get no older state behind a newer one, where one of them closes the client', async () => {
    client.onState(({ status }) => status === 'open' && client.close());
    const states: string[] = [];
    client.onState(({ status }) => states.push(status));
    const scope = effectScope();
    const shown = scope.run(() => useConnectionState(client))!;
    await until(() => client.state.status === 'stopped');
    expect(states.at(-1)).toBe('stopped');
    expect(shown.value).toBe(client.state);
    scope.stop();
  });

  it('are not called after another one has removed them', async () => {
    const called: string[] = [];
    client.onState(() => {
      called.push('first');
      off();
    });
    const off = client.onState(() => called.push('removed'));
    await until(() => client.state.status === 'open');
    expect(called).toEqual(['first']);
  });
});
