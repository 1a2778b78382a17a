import {
  AppProcess,
  forEachAdapter,
  startApp,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { chatModule, closeAtOnce } from './chat.app.js';
import { ModelTap } from './model-tap.js';
import { TestChat } from './test-chat.js';

const redis = useRedis();
const CHANNEL = 'chat:7';
const WORDS = Array.from({ length: 40 }, (_, i) => `word${i} `);

forEachAdapter((adapter) => {
  const apps: RunningApp[] = [];
  let tap: ModelTap;
  let one: RunningApp;
  let other: RunningApp;

  async function start(options: SseRedisOptions = {}): Promise<void> {
    tap = new ModelTap();
    const common = { redis: redis.url, prefix: randomUUID(), ...options };
    const isNotEve = (client: { user: string | undefined }) => client.user !== 'eve';
    const authorize = { 'chat:{id}': isNotEve, 'plain:{id}': isNotEve };
    const app = async () => startApp(chatModule({ ...common, authorize }, tap.model), adapter);
    [one, other] = [await app(), await app()];
    apps.push(one, other);
  }

  afterEach(() => Promise.all(apps.splice(0).map(closeAtOnce)));

  /** A chat that has asked, and the model's answer, of which it has the beginning. */
  async function ask(app: RunningApp) {
    const chat = new TestChat(app.url);
    const calls = tap.calls.length;
    const sent = chat.sendMessage({ text: 'hello' });
    const call = await until(() => tap.calls[calls]);
    call.give('The ', 'answer ');
    await until(() => chat.text === 'The answer ');
    return { chat, call, sent };
  }

  const state = async () => (await other.app.get(SseHub).runOf(CHANNEL))?.state;

  it('streams an answer, and the chat has what the model said', async () => {
    await start();
    const { chat, call, sent } = await ask(one);
    call.give(...WORDS);
    call.end();
    await sent;
    expect(chat.status).toBe('ready');
    expect(chat.text).toBe(call.text);
    expect(await state()).toBe('done');
    // Batched: 46 chunks.
    const { events } = await one.app.get(SseHub).history(CHANNEL, { limit: 100 });
    expect(events.length).toBeLessThan(20);
  });

  it.each([
    ['ends by itself', 60_000, 'ready', undefined],
    ['is interrupted', 0, 'error', 'The answer was interrupted. Ask again.'],
  ])(
    'tells the readers of a process that is being closed how each answer %s',
    async (_, runs, status, message) => {
      await start({ drain: { runs } });
      const chats = Array.from({ length: 8 }, (_, i) => new TestChat(one.url, { id: `${i}` }));
      const sent = chats.map((chat) => chat.sendMessage({ text: 'hello' }));
      await until(() => tap.calls.length === chats.length);
      for (const call of tap.calls) call.give('The ', 'answer ');
      await until(() => chats.every(({ text }) => text === 'The answer '));
      const closed = one.close();
      const hub = one.app.get(SseHub);
      await until(async () => !(await hub.readiness()).ready);
      if (runs > 0) for (const call of tap.calls) call.end();
      await Promise.all(sent);
      await closed;
      expect(chats.map((chat) => [chat.status, chat.error?.message])).toEqual(
        chats.map(() => [status, message]),
      );
    },
  );

  it('gives the whole answer to two pages that are loaded in the midst of it, at another process', async () => {
    await start();
    const { chat, call, sent } = await ask(one);
    await chat.stop();
    await sent;
    call.give(...WORDS.slice(0, 20));
    const pages = [new TestChat(other.url, { messages: chat.questions })];
    pages.push(new TestChat(one.url, { messages: chat.questions }));
    const resumed = pages.map((page) => page.resumeStream());
    await until(() => pages.every(({ text }) => text === call.text));
    call.give(...WORDS.slice(20));
    call.end();
    await Promise.all(resumed);
    expect(pages.map(({ text }) => text)).toEqual([call.text, call.text]);
    expect(pages.map(({ status }) => status)).toEqual(['ready', 'ready']);
    expect(tap.calls).toHaveLength(1);
  });

  it('replaces the part of the answer that a chat has when it resumes, by the id of the message', async () => {
    await start();
    const { chat, call, sent } = await ask(one);
    await chat.stop();
    await sent;
    expect(chat.text).toBe('The answer ');
    call.give(...WORDS);
    const resumed = chat.resumeStream();
    await until(() => chat.text === call.text);
    call.end();
    await resumed;
    expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(chat.text).toBe(call.text);
  });

  it('answers 204 when nothing runs, and a page that resumes is ready', async () => {
    await start();
    const page = new TestChat(one.url);
    await page.resumeStream();
    expect([page.status, page.error, page.messages]).toEqual(['ready', undefined, []]);
    const { call, sent } = await ask(one);
    call.end();
    await sent;
    const response = await fetch(`${other.url}/api/chat/7/stream`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([204, 'no-store']);
  });

  it('stops an answer with DELETE at another process, and its chats have the beginning', async () => {
    await start();
    const { chat, call, sent } = await ask(one);
    const response = await fetch(`${other.url}/api/chat/7/stream`, { method: 'DELETE' });
    expect(response.status).toBe(204);
    await sent;
    expect([chat.status, chat.text]).toEqual(['ready', 'The answer ']);
    expect(call.signal?.aborted).toBe(true);
    expect(await state()).toBe('stopped');
  });

  it('answers a new question though the answer to the last one was going on, which is stopped', async () => {
    await start();
    const first = await ask(one);
    const { chat, call, sent } = await ask(other);
    await first.sent;
    expect([first.chat.status, first.chat.text]).toEqual(['ready', 'The answer ']);
    await until(() => first.call.signal?.aborted);
    call.give('is 42');
    call.end();
    await sent;
    expect(chat.text).toBe('The answer is 42');
  });

  it('tells chats of a model that fails', async () => {
    await start();
    const { chat, call, sent } = await ask(one);
    call.fail(new Error('out of tokens'));
    await sent;
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toBeDefined();
  });

  it('carries a chunk that is larger than an event', async () => {
    await start({ limits: { payloadBytes: 1_000 } });
    const { chat, call, sent } = await ask(one);
    const text = '😀é'.repeat(5_000);
    call.give(text);
    call.end();
    await sent;
    expect(chat.error).toBeUndefined();
    expect(chat.text).toBe(`The answer ${text}`);
  });

  it('sends the headers of the protocol before the model says anything', async () => {
    await start();
    const messages = [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'hello' }] }];
    const body = JSON.stringify({ id: '7', messages });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${one.url}/api/chat`, { method: 'POST', body, headers });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'x-vercel-ai-ui-message-stream': 'v1',
      'x-accel-buffering': 'no',
      'cache-control': expect.stringContaining('no-transform') as string,
    });
    (await until(() => tap.calls[0])).end();
    expect(await response.text()).toContain('data: [DONE]');
  });

  it('refuses who may not, and requests without a chat, before anything is started', async () => {
    await start();
    const ask = async (method: string, user: string, body?: object) => {
      const url = `${one.url}/api/chat${method === 'POST' ? '' : '/7/stream'}`;
      const headers = { 'x-user': user, ...(body && { 'content-type': 'application/json' }) };
      return (await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })).status;
    };
    const body = { id: '7', messages: [] };
    for (const user of ['nobody', 'eve']) {
      const statuses = [await ask('POST', user, body), await ask('GET', user), await ask('DELETE', user)];
      expect([user, ...statuses]).toEqual([user, 403, 403, 403]);
    }
    expect(await ask('POST', 'ada', { messages: [] })).toBe(400);
    expect(await ask('POST', 'ada', { id: 7, messages: [] })).toBe(400);
    expect(tap.calls).toHaveLength(0);
  });

  it('lets a process close while it streams a run of another one, and the page resumes there', async () => {
    await start();
    const { chat, call } = await ask(one);
    const page = new TestChat(other.url, { messages: chat.questions });
    const resumed = page.resumeStream();
    await until(() => page.text === call.text);
    await other.close();
    await resumed;
    // Not as if the answer were whole.
    expect(page.status).toBe('error');
    const again = new TestChat(one.url, { messages: chat.questions });
    const rest = again.resumeStream();
    await until(() => again.text === call.text);
    call.give(...WORDS);
    call.end();
    await rest;
    expect(again.text).toBe(call.text);
  });

  it('fails on the events of the hub itself (negative control)', async () => {
    await start();
    const chat = new TestChat(one.url, { path: '/plain' });
    const sent = chat.sendMessage({ text: 'hello' });
    const call = await until(() => tap.calls[0]);
    call.give(...WORDS);
    call.end();
    await sent;
    expect(chat.status).toBe('error');
  });
});

describe('a chat whose process dies', () => {
  it('is told that the answer was interrupted', async () => {
    const options: SseRedisOptions = {
      redis: redis.url,
      prefix: randomUUID(),
      // Longer than a busy machine stops a process: its answer would be interrupted while it lives.
      registry: { leaseTtl: 10_000, sweepInterval: 500 },
    };
    const entry = new URL('./chat.process.ts', import.meta.url);
    const owner = await AppProcess.start(entry, { args: [JSON.stringify(options)] });
    const { app, url, close } = await startApp(chatModule(options, new ModelTap().model), 'fastify');
    const asking = new TestChat(owner.url);
    const sent = asking.sendMessage({ text: 'hello' });
    await until(() => asking.text.length > 50);
    const page = new TestChat(url, { messages: asking.questions });
    const resumed = page.resumeStream();
    await until(() => page.text.length > 50);
    await owner.kill();
    await Promise.all([sent, resumed]);
    expect(page.error?.message).toBe('The answer was interrupted. Ask again.');
    expect(page.text.startsWith('0 1 2 3 4 5 ')).toBe(true);
    // It has lost its connection, and asks at another process.
    expect(asking.status).toBe('error');
    expect(await app.get(SseHub).runOf(CHANNEL)).toMatchObject({ state: 'interrupted' });
    await close();
  });
});
