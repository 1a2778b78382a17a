import { RedisSetUp, redisSetUps, type RedisSetUpName } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
// Brokers log to Nest, as in an application.
import '../../src/nest-link.js';
import type { Broker, BrokerListener, IsState, Publication } from '../../src/broker/broker.interface.js';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { encodeEvent } from '../../src/event/event-text.js';
import { parseEventText } from '../../src/event/event-text.js';
import { getText, type EventRecord } from '../../src/event/event-record.js';
import type { Position } from '../../src/event/position.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import type { SseRedisOptions } from '../../src/options/sse-redis-options.interface.js';

/** A way to have a broker; the contract is the same for all. */
export interface BrokerSetUp {
  readonly name: string;
  prepare(): Promise<void>;
  /** A broker whose data nobody else has. */
  create(options?: SseRedisOptions, isState?: IsState): Broker;
  dispose(): Promise<void>;
}

const memory: BrokerSetUp = {
  name: 'memory',
  prepare: () => Promise.resolve(),
  create: (options = {}, isState) =>
    new MemoryBroker(resolveOptions(options), randomUUID(), undefined, isState),
  dispose: () => Promise.resolve(),
};

function over(name: RedisSetUpName): BrokerSetUp {
  let setUp: RedisSetUp | undefined;
  return {
    name,
    prepare: async () => {
      setUp = await RedisSetUp.start(name);
    },
    create: (options = {}, isState) => {
      const resolved = resolveOptions({ prefix: randomUUID(), ...setUp!.options, ...options });
      return new RedisBroker(resolved.redis!, resolved, randomUUID(), undefined, isState);
    },
    dispose: () => setUp?.stop() ?? Promise.resolve(),
  };
}

/** A shard of several is a broker as that of one is. */
export const brokerSetUps = [memory, ...redisSetUps.filter((name) => name !== 'cluster-3').map(over)];

/** What a broker told its listener. */
export class Heard implements BrokerListener {
  readonly events: { channel: string; record: EventRecord }[] = [];
  readonly watermarks: Position[] = [];
  readonly link: string[] = [];
  readonly messages: string[] = [];

  announced(channel: string, record: EventRecord): void {
    this.events.push({ channel, record });
  }
  watermark(position: Position): void {
    this.watermarks.push(position);
  }
  message(text: string): void {
    this.messages.push(text);
  }
  linkLost(): void {
    this.link.push('lost');
  }
  linkRestored(position: Position): void {
    this.link.push(`restored ${position}`);
  }

  get data(): unknown[] {
    return this.events.map(({ record }) => dataOf(record));
  }
}

export function dataOf(record: EventRecord): unknown {
  return parseEventText(record.kind, getText(record)).data;
}

export function publication(
  channel: string,
  data: unknown,
  options: { ephemeral?: boolean; key?: string; type?: string } = {},
): Publication {
  return {
    channel,
    event: encodeEvent({ data, ...(options.type && { type: options.type }) }, 2 ** 28),
    ephemeral: options.ephemeral ?? false,
    idempotencyKey: options.key,
  };
}

/** Publishes and gives the positions; throws if one was not published. */
export async function publishAll(broker: Broker, ...publications: Publication[]): Promise<Position[]> {
  return (await broker.publish(publications)).map((outcome) => {
    if ('error' in outcome) throw outcome.error;
    return outcome.position;
  });
}
