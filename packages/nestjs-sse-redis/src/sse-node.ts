import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Broker } from './broker/broker.interface.js';
import { MemoryBroker } from './broker/memory/memory-broker.js';
import { RedisBroker } from './broker/redis/redis-broker.js';
import { SseHub } from './hub/sse-hub.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { NodeRegistration } from './registry/node-registration.js';
import { SseRegistry } from './registry/sse-registry.js';

/** This process as a part of the hub: everything that is one of a kind here, and the order in which it starts and stops. */
export class SseNode {
  readonly hub: SseHub;
  readonly registry: SseRegistry;
  private readonly registration: NodeRegistration;

  constructor(options: ResolvedOptions) {
    const id = randomBytes(9).toString('base64url');
    const broker = createBroker(options, id);
    const description = { id, host: hostname(), pid: process.pid };
    this.registration = new NodeRegistration(description, broker.registry, options);
    this.hub = new SseHub(id, broker, this.registration, options);
    this.registry = new SseRegistry(broker.registry, this.registration, (channel) =>
      this.hub.ownEvents(channel),
    );
    this.registration.onRenewed = () => this.hub.leaseRenewed();
    this.registration.onSweep = () => this.hub.reap();
  }

  async start(): Promise<void> {
    await this.hub.start();
    try {
      await this.registration.start();
    } catch (error) {
      await this.hub.stop();
      throw error;
    }
  }

  /** Hands the clients over. */
  drain(): Promise<void> {
    return this.hub.drain();
  }

  async stop(): Promise<void> {
    await this.registration.stop();
    await this.hub.stop();
  }
}

function createBroker(options: ResolvedOptions, nodeId: string): Broker {
  return options.redis === undefined
    ? new MemoryBroker(options, nodeId)
    : new RedisBroker(options.redis, options, nodeId);
}
