import { Controller, Get, Header, Injectable, Query, Sse } from '@nestjs/common';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';

/** Keeps clients waiting before their stream opens: events are published while nobody is connected. */
@Injectable()
export class Gate {
  opened: Promise<void> = Promise.resolve();
  open: () => void = () => undefined;

  close(): void {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }
}

@Controller()
class StreamsController {
  constructor(
    private readonly hub: SseHub,
    private readonly gate: Gate,
  ) {}

  @Sse('streams')
  async streams(@SseClient() client: SseClient, @Query('channels') channels: string) {
    await this.gate.opened;
    return this.hub.connect(client, channels.split(','));
  }

  /** A browser reads the streams of its own origin, so it opens a page there first. */
  @Get('page')
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return '<!doctype html><title>clients</title>';
  }
}

/** @param options of the module under test */
export function streamsModule(options: SseRedisOptions) {
  return {
    imports: [SseRedisModule.forRoot(options)],
    controllers: [StreamsController],
    providers: [Gate],
  };
}
