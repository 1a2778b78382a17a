import { AppProcess, until } from '@nestjs-sse-redis/testing';
import type { InjectRequest, InjectState } from './inject.process.js';

describe('a request without a connection (`inject()` of Fastify)', () => {
  let app: AppProcess;

  const ask = (request: InjectRequest): Promise<InjectState> => app.request<InjectState>(request);

  beforeEach(async () => {
    app = await AppProcess.start(new URL('./inject.process.ts', import.meta.url));
    await until(async () => (await ask({ kind: 'state' })).text.includes('event: position'));
  });
  afterEach(async () => {
    await app.kill();
  });

  it('has events of more bytes than may wait for a client, and its stream goes on', async () => {
    await ask({ kind: 'publish', data: 'x'.repeat(100_000), times: 3 });
    const { published } = await ask({ kind: 'publish', data: 'last', times: 1 });
    await until(async () => (await ask({ kind: 'state' })).text.includes('data: last'));
    const { text, connections } = await ask({ kind: 'state' });
    const messages = text.split('\n\n').filter((block) => block.includes('\ndata: '));
    expect(messages.map((block) => /^id: (.*)$/m.exec(block)?.[1])).toEqual(published);
    expect(connections).toBe(1);
    expect(app.stdout + app.stderr).toBe('');
  });

  it('has left when its signal is aborted', async () => {
    await ask({ kind: 'abort' });
    await until(async () => (await ask({ kind: 'state' })).connections === 0);
  });
});
