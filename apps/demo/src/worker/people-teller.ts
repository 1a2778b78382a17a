import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SseHub, SseRegistry, type ConnectionChange, type ConnectionRecord } from 'nestjs-sse-redis';
import type { Subscription } from 'rxjs';
import { PEOPLE } from './channels.js';

/** A connection as pages show it. */
export function describePerson({ id, user, since, metadata }: ConnectionRecord) {
  const { name = 'somebody', process = '?' } = (metadata ?? {}) as { name?: string; process?: string };
  return { id, tab: user, name, process, since };
}

/** Tells the pages who comes and goes. Every process hears of each change; the idempotency key makes one of them tell it. */
@Injectable()
export class PeopleTeller implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(PeopleTeller.name);
  private watching: Subscription | undefined;

  constructor(
    private readonly hub: SseHub,
    private readonly registry: SseRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.watching = this.registry.changes.subscribe((change) => {
      // A page that changes its channels neither comes nor goes.
      if (change.type === 'connected' || change.type === 'disconnected') void this.tell(change);
    });
  }

  onModuleDestroy(): void {
    this.watching?.unsubscribe();
  }

  /** Logged: a page that is catching up, as where it adds a channel, would miss an ephemeral event, and show who was here before. */
  private async tell({ type, at, reason, connection }: ConnectionChange): Promise<void> {
    try {
      const data = { type, at, reason, person: describePerson(connection) };
      await this.hub.publish(
        PEOPLE,
        { type: PEOPLE, data },
        { idempotencyKey: `${type} ${at} ${connection.id}` },
      );
    } catch (error) {
      this.logger.warn(`could not tell the pages who came or went: ${String(error)}`);
    }
  }
}
