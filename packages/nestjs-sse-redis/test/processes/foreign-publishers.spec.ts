import {
  AppProcess,
  assertWhole,
  findRedisCli,
  ReconnectingClient,
  until,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChannelEventInput } from 'nestjs-sse-redis';
import { parseEventId } from '../../src/event/position.js';
import { createPublisher, type SsePublisher } from '../../src/publisher/index.js';
import { keysOf, SCRIPT, type ForeignEvent } from '../publisher/foreign-publisher.js';
import { hasPython, PythonPublisher } from '../publisher/python-publisher.js';

const PREFIX = 'sse';
const CHANNEL = 'news';
const CLIENTS_EACH = 3;
const KEYS = keysOf(CHANNEL, { prefix: PREFIX });
/** As a stream gives them: line ends are LF. */
const EVENTS: ForeignEvent[] = [
  { kind: 'json', type: 'article', data: '{"headline":"Hello"}' },
  { kind: 'text', data: 'one\ntwo\n\nfour\n' },
  { kind: 'text', type: 'grüße', data: 'héllo 🙂 日本語' },
  { kind: 'text', data: 'before\u2028after\u2029end' },
  { kind: 'text', type: 'empty', data: '' },
  { kind: 'text', type: 'injected', data: 'x\n\ndata: y\n\nid: 1\nevent: z' },
  { kind: 'json', type: 'large', data: JSON.stringify(['é'.repeat(450_000)]) },
];

const redis = useRedis();
const cli = findRedisCli();
let folder: string;
let script: string;
let nodes: AppProcess[];
let clients: ReconnectingClient[];
let publisher: SsePublisher;
/** By id, what was published. */
let published: Map<string, ForeignEvent>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foreign-'));
  script = join(folder, 'publish-event.lua');
  await writeFile(script, SCRIPT);
  const options = JSON.stringify({ redis: redis.url, prefix: PREFIX });
  const start = (adapter: string) =>
    AppProcess.start(new URL('./node.process.ts', import.meta.url), { args: [adapter, options] });
  nodes = await Promise.all(['express', 'fastify', 'express'].map(start));
  publisher = createPublisher({ redis: redis.url, prefix: PREFIX });
});
afterAll(async () => {
  await publisher?.close();
  await Promise.all(nodes?.map((node) => node.kill()) ?? []);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  published = new Map();
  clients = nodes.flatMap(({ url }) =>
    Array.from({ length: CLIENTS_EACH }, () =>
      ReconnectingClient.start(`${url}/streams?channels=${CHANNEL}`, { maxRetry: 20 }),
    ),
  );
  await until(() => clients.every(({ lastEventId }) => lastEventId !== ''));
});
afterEach(() => Promise.all(clients.map((client) => client.stop())));

function note(id: string, event: ForeignEvent): void {
  expect(published.has(id)).toBe(false);
  published.set(id, event);
}

const toInput = ({ kind, type, data }: ForeignEvent): ChannelEventInput => ({
  channel: CHANNEL,
  data: kind === 'json' ? (JSON.parse(String(data)) as unknown) : String(data),
  ...(type && { type }),
});

async function publishByNode(node: AppProcess, event: ForeignEvent): Promise<void> {
  const [result] = await node.request<{ id: string }[]>({ publish: [toInput(event)] });
  note(result!.id, event);
}

async function publishByPublisher(event: ForeignEvent): Promise<void> {
  const { channel, ...input } = toInput(event);
  note((await publisher.publish(channel, input)).id, event);
}

function run(args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(cli!, ['-p', String(redis.port), ...args], (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim()),
    );
    child.stdin!.end(input);
  });
}

/** An argument of a command may have 128 KB: Linux. Larger data come over standard input. */
async function publishByCli(event: ForeignEvent): Promise<void> {
  const { kind, type = '', data } = event;
  if (data.length < 100_000) {
    note(await run(['--eval', script, ...KEYS, ',', kind, type, String(data)]), event);
    return;
  }
  const sha = await run(['-x', 'SCRIPT', 'LOAD'], SCRIPT);
  note(await run(['-x', 'EVALSHA', sha, '3', ...KEYS, kind, type], String(data)), event);
}

/** Each client of each process has each event once, in order, with its data. */
async function expectWhole(): Promise<void> {
  const ids = [...published.keys()].toSorted((one, other) => parseEventId(one)! - parseEventId(other)!);
  await until(() => clients.every(({ events }) => events.length >= ids.length));
  for (const client of clients) {
    assertWhole(ids, client.eventIds);
    for (const { id, type, data } of client.events) {
      const event = published.get(id)!;
      expect([type, data === String(event.data)]).toEqual([event.type ?? 'message', true]);
    }
    expect(client.ledger).toHaveLength(ids.length);
  }
}

const withCli = cli ? it : it.skip;
const withPython = hasPython ? it : it.skip;
const missing = (name: string, isThere: unknown): string =>
  isThere ? '' : ` (skipped: there is no ${name})`;

describe('clients of three processes', () => {
  withCli(
    `receive each event once that redis-cli publishes, among those of hubs and a publisher${missing('redis-cli', cli)}`,
    async () => {
      for (const [i, event] of EVENTS.entries()) {
        await publishByCli(event);
        await publishByNode(nodes[i % 3]!, event);
        await publishByPublisher(event);
      }
      await expectWhole();
      expect(published.size).toBe(EVENTS.length * 3);
    },
  );

  withPython(
    `receive each event once that Python publishes, while hubs and a publisher publish${missing('python3', hasPython)}`,
    async () => {
      const python = new PythonPublisher(redis.port, script);
      try {
        for (const event of EVENTS) note(await python.publish(KEYS, event), event);
        const event = (from: string, n: number) =>
          ({ kind: 'json', data: JSON.stringify({ from, n }) }) as const;
        const numbers = Array.from({ length: 300 }, (_, n) => n);
        await Promise.all([
          ...numbers.map(async (n) =>
            note(await python.publish(KEYS, event('python', n)), event('python', n)),
          ),
          ...numbers.map((n) => publishByPublisher(event('publisher', n))),
          ...numbers.map((n) => publishByNode(nodes[n % 3]!, event('hub', n))),
        ]);
        await expectWhole();
        await expect(python.publish(KEYS, { kind: 'text', type: 'a\nevent: b', data: '' })).rejects.toThrow(
          /^INVALID_EVENT the event type has a line end/,
        );
        const received = clients.reduce((sum, { events }) => sum + events.length, 0);
        console.log(
          `${published.size} events of Python, a publisher and three hubs, ${clients.length} clients of three processes: ${received} received, 0 lost, 0 doubled, 0 out of order`,
        );
      } finally {
        await python.stop();
      }
    },
  );

  withCli(
    `receive an event once that redis-cli publishes again with its idempotency key${missing('redis-cli', cli)}`,
    async () => {
      const keys = keysOf(CHANNEL, { prefix: PREFIX, key: 'import-17' });
      const event: ForeignEvent = { kind: 'text', data: 'once' };
      const publish = () => run(['--eval', script, ...keys, ',', event.kind, '', 'once', 'key', 'import-17']);
      const id = await publish();
      note(id, event);
      expect(await publish()).toBe(id);
      await publishByPublisher({ kind: 'text', type: 'last', data: '' });
      await expectWhole();
    },
  );
});
