import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { NewLink } from '../../src/broker/redis/new-link.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

let right: RedisServer;
let wrong: RedisServer;
let name: TcpProxy;
let broker: RedisBroker;
let heard: Heard;
let prefix: string;

beforeEach(async () => {
  for (const level of ['log', 'warn', 'debug'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue();
  [right, wrong] = await Promise.all([RedisServer.start(), RedisServer.start()]);
  name = await TcpProxy.start({ target: right.port });
  prefix = randomUUID();
  const options = resolveOptions({ redis: `redis://127.0.0.1:${name.port}`, prefix });
  broker = new RedisBroker(options.redis!, options, randomUUID());
  heard = new Heard();
  await broker.start(heard);
  await broker.subscribe('a');
});
afterEach(async () => {
  await broker.close();
  await name.stop();
  await Promise.all([right.stop(), wrong.stop()]);
  jest.restoreAllMocks();
});

const isSubscribed = async (server: RedisServer): Promise<boolean> =>
  ((await server.cli('PUBSUB', 'CHANNELS', `{${prefix}}*`)) as string[]).length > 0;

it('is not up while subscriptions stand at another server than the one that takes commands', async () => {
  name.target = wrong.port;
  await right.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await until(() => isSubscribed(wrong));
  name.target = right.port;
  await until(async () => !(await isSubscribed(wrong)));
  expect(heard.link.filter((change) => change !== 'lost')).toEqual([]);

  await until(() => heard.link.at(-1) !== 'lost');
  expect(await isSubscribed(right)).toBe(true);
  await publishAll(broker, publication('a', 1));
  await until(() => heard.data.includes(1));
});

describe('the first probe of a link', () => {
  const commands = { pause: (ms: number) => delay(ms) };
  const announcement = Buffer.from('1 0 j\nid: 0-1\ndata: 1\n\n');

  it('is waited for as long as something comes', async () => {
    const link = new NewLink(() => Promise.resolve(5), commands, false);
    const proven = link.prove(() => true);
    for (let i = 0; i < 5; i++) {
      await delay(600);
      link.recordOf(announcement);
    }
    link.heard(5, '');
    expect(await proven).toBe(5);
  });

  it('is given up where something else comes without end', async () => {
    const link = new NewLink(() => Promise.resolve(5), commands, false);
    const other = setInterval(() => link.recordOf(announcement), 100);
    try {
      expect(await link.prove(() => true)).toBe('a probe did not come over the new subscription');
    } finally {
      clearInterval(other);
    }
  });

  it('is sent again as soon as there is a new connection for commands', async () => {
    let connected: (() => void) | undefined;
    const pause = () => new Promise<void>((resolve) => (connected = resolve));
    const sendProbe = () => (connected ? Promise.resolve(5) : Promise.reject(new Error('not connected')));
    const link = new NewLink(sendProbe, { pause }, false);
    link.heard(5, '');
    const proven = link.prove(() => true);
    await until(() => connected);
    connected!();
    expect(await proven).toBe(5);
  });

  it('is given up in silence', async () => {
    const link = new NewLink(() => Promise.resolve(5), commands, false);
    expect(await link.prove(() => true)).toBe('a probe did not come over the new subscription');
  });
});
