import { isHubEvent, SseParser } from '@nestjs-sse-redis/testing';
import { get, type IncomingMessage } from 'node:http';
import { parseEventId, type Position } from '../../src/event/position.js';

/** A stream of which nothing is kept but the positions of its events: hundreds of them fit into a test. */
export class IdReader {
  readonly received: Position[] = [];
  /** Told its position, it gets everything from then on. */
  placed = false;
  private response: IncomingMessage | undefined;
  private readonly request;

  constructor(url: string) {
    const parser = new SseParser({
      onBlock: ({ id, message }) => {
        if (message && !isHubEvent(message)) this.received.push(parseEventId(message.id)!);
        if (id !== undefined) this.placed = true;
      },
    });
    this.request = get(url, { agent: false }, (response) => {
      this.response = response;
      response.on('data', (chunk: Buffer) => parser.push(chunk));
    });
    this.request.on('error', () => undefined);
  }

  pause(): void {
    this.response?.pause();
  }

  resume(): void {
    this.response?.resume();
  }

  close(): void {
    this.request.destroy();
  }
}
