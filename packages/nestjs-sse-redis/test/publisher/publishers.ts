import { randomUUID } from 'node:crypto';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { createPublisher, type PublisherOptions, type SsePublisher } from '../../src/publisher/index.js';
import type { Hubs, TestHub } from '../hub/hubs.js';

/** A hub, and publishers beside it. All is closed after the test. */
export class Scene {
  /** @param options of the hub */
  static async start(hubs: Hubs, options: SseRedisOptions = {}): Promise<Scene> {
    const prefix = randomUUID();
    return new Scene(hubs, prefix, await hubs.start({ prefix, ...options }));
  }

  /** For a publisher of another process. */
  get options(): PublisherOptions {
    return { ...this.hubs.connection, prefix: this.prefix };
  }

  private constructor(
    private readonly hubs: Hubs,
    readonly prefix: string,
    readonly test: TestHub,
  ) {}

  /** @param options besides where the hub is */
  publisher(options: Partial<PublisherOptions> = {}): SsePublisher {
    const publisher = createPublisher({ ...this.options, ...options });
    this.hubs.closeLater(() => publisher.close());
    return publisher;
  }
}
