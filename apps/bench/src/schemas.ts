/**
 * What channel definitions cost a publisher: CPU of this process for an event, in turns of 1,000 events. Each is compared with
 * the turn without definitions in the same round, since other loads of the host move all of them.
 *
 * node apps/bench/dist/schemas.js [rounds]
 */
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import { defineChannel, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { z } from 'zod';
import { BenchRedis } from './processes/redis.js';

const EVENTS = 1_000;
const AT_ONCE = 100;
const WARM_UP = 10;

const items = z.array(z.object({ price: z.number(), name: z.string() }));
const events = { paid: z.object({ amount: z.number(), note: z.string(), items }) };
const orders = defineChannel('order:{id}', { events });
const data = {
  amount: 1,
  note: 'for the order',
  items: [
    { price: 1, name: 'one' },
    { price: 2, name: 'two' },
  ],
};

type Publish = (hub: SseHub, i: number) => Promise<unknown>;

const byName: Publish = (hub, i) => hub.publish(`order:${i % 10}`, { type: 'paid', data });
const byReference: Publish = (hub, i) => hub.publish(orders({ id: i % 10 }), 'paid', data);

/** A publisher, and what its events cost: µs, a figure a round. */
class Publisher {
  readonly costs: number[] = [];
  private app!: INestApplicationContext;

  constructor(
    readonly name: string,
    private readonly channels: SseRedisOptions['channels'],
    private readonly publish: Publish,
  ) {}

  async start(redis: string): Promise<void> {
    const options = { redis, prefix: randomUUID(), channels: this.channels ?? [] };
    this.app = await NestFactory.createApplicationContext(SseRedisModule.forRoot(options), {
      logger: false,
    });
    for (let i = 0; i < WARM_UP; i++) await this.turn();
  }

  async turn(): Promise<number> {
    const hub = this.app.get(SseHub);
    const before = process.cpuUsage();
    for (let i = 0; i < EVENTS; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => this.publish(hub, i + k)));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / EVENTS;
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function main(rounds: number): Promise<void> {
  const redis = await BenchRedis.start(process.env['REDIS_SERVER'] ?? 'redis-server');
  const base = new Publisher('without definitions', [], byName);
  const publishers = [
    base,
    new Publisher('one that does not fit', [defineChannel('other:{id}', { events })], byName),
    new Publisher('history alone', [defineChannel('order:{id}', { history: { maxLength: 900 } })], byName),
    new Publisher('a zod schema', [orders], byName),
    new Publisher('a zod schema, by reference', [orders], byReference),
  ];
  for (const publisher of publishers) await publisher.start(redis.url);
  for (let round = 0; round < rounds; round++) {
    // One behind another of its kind is cheaper: each order as often.
    const order = round % 2 ? publishers : publishers.toReversed();
    for (const publisher of order) publisher.costs.push(await publisher.turn());
  }
  for (const { name, costs } of publishers) {
    const ratio = median(costs.map((cost, round) => base.costs[round]! / cost));
    console.log(`${name.padEnd(28)} ${median(costs).toFixed(1)} µs, throughput by CPU × ${ratio.toFixed(2)}`);
  }
  for (const publisher of publishers) await publisher.stop();
  await redis.stop();
}

await main(Number(process.argv[2] ?? 150));
