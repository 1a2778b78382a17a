import { Controller, Get, Header, Inject, Param, Query, Sse, type MessageEvent } from '@nestjs/common';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { Subject, takeUntil, type Observable } from 'rxjs';

/** A connection that came in. */
export interface Arrival {
  readonly reader: string;
  readonly lastEventId: string | undefined;
}

/** What the test holds of the streams under a name: their channels, who came, a gate before them, and scissors. */
export class Gate {
  readonly arrivals: Arrival[] = [];
  private readonly scissors = new Subject<void>();
  private opened = Promise.resolve();
  private open_: () => void = () => undefined;

  constructor(readonly channels: readonly string[]) {}

  /** Whoever connects from now on waits. */
  close(): void {
    this.opened = new Promise((resolve) => (this.open_ = resolve));
  }

  open(): void {
    this.open_();
  }

  /** Ends the streams that are open; an EventSource comes back. */
  cut(): void {
    this.scissors.next();
  }

  async enter(arrival: Arrival, stream: () => Observable<MessageEvent>): Promise<Observable<MessageEvent>> {
    this.arrivals.push(arrival);
    await this.opened;
    return stream().pipe(takeUntil(this.scissors));
  }
}

export class Gates extends Map<string, Gate> {}

@Controller()
class FuzzController {
  constructor(
    private readonly hub: SseHub,
    @Inject(Gates) private readonly gates: Gates,
  ) {}

  @Sse('streams/:name')
  stream(@SseClient() client: SseClient, @Param('name') name: string, @Query('reader') reader: string) {
    const gate = this.gates.get(name)!;
    return gate.enter({ reader, lastEventId: client.lastEventId }, () =>
      this.hub.connect(client, gate.channels),
    );
  }

  /** For the browser, which reads the streams of its own origin alone. */
  @Get('page')
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return '<!doctype html><title>fuzz</title>';
  }
}

export function fuzzModule(options: SseRedisOptions) {
  return {
    imports: [SseRedisModule.forRoot(options)],
    controllers: [FuzzController],
    providers: [{ provide: Gates, useValue: new Gates() }],
  };
}
