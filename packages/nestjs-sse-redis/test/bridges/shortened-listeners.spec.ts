import { jest } from '@jest/globals';
import { startApp } from '@nestjs-sse-redis/testing';
import { Injectable, Logger } from '@nestjs/common';
import { OnSseEvent, SseHub, SseRedisModule } from 'nestjs-sse-redis';

/** What a minifier leaves of a class's name. */
const shorten = (type: object) => Object.defineProperty(type, 'name', { value: 't' });

function createListeners(): new () => object {
  @Injectable()
  class Receipts {
    @OnSseEvent('jobs', { once: 'cluster' })
    onJob(): void {}
    @OnSseEvent('jobs', { once: 'cluster', name: 'receipts' })
    onNamedJob(): void {}
    @OnSseEvent('jobs', { once: 'node' })
    onNodeJob(): void {}
  }
  return Receipts;
}

/** The lines at WARN of a start. */
async function warningsWith(listeners: new () => object): Promise<string[]> {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  const running = await startApp({ imports: [SseRedisModule.forRoot()], providers: [listeners] }, 'express');
  await running.close();
  return warn.mock.calls.map(([text]) => String(text));
}

describe('a listener of the cluster whose name is that of its class', () => {
  afterEach(() => jest.restoreAllMocks());

  it('starts with a warning where a bundler has shortened the names of classes, ours too', async () => {
    const Listeners = createListeners();
    shorten(SseHub);
    try {
      expect(await warningsWith(Listeners)).toEqual([
        expect.stringMatching(/^Receipts\.onJob\(\): .*"Receipts\.onJob".*give it a name/),
      ]);
    } finally {
      Object.defineProperty(SseHub, 'name', { value: 'SseHub' });
    }
  });

  it('starts without a warning where names are as they were written', async () => {
    expect(await warningsWith(createListeners())).toEqual([]);
  });
});
