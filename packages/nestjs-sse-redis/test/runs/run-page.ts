import { SseStream } from '@nestjs-sse-redis/testing';
import type { Run } from 'nestjs-sse-redis';
import type { Hubs, TestHub } from '../hub/hubs.js';

/** A page that reads a run from its beginning, and what it was sent. */
export class RunPage {
  private constructor(readonly stream: SseStream) {}

  static open(hubs: Hubs, test: TestHub, run: Pick<Run, 'id' | 'channel'>): RunPage {
    const stream = SseStream.open(test.url(run.channel), { lastEventId: run.id });
    hubs.closeLater(() => stream.close());
    return new RunPage(stream);
  }

  get text(): string {
    return this.stream.messages.flatMap(({ type, data }) => (type === 'message' ? [data] : [])).join('');
  }

  /** Of everything but messages and positions. */
  get types(): string[] {
    return this.stream.messages
      .map(({ type }) => type)
      .filter((type) => type !== 'message' && type !== 'position');
  }

  get ends(): unknown[] {
    return this.stream.messages.flatMap(({ type, data }) => (type === 'end' ? [JSON.parse(data)] : []));
  }
}
