import { Body, Controller, HttpCode, Post, ServiceUnavailableException } from '@nestjs/common';
import { SseHub } from 'nestjs-sse-redis';
import { FLOOD } from './channels.js';
import { integer, token } from './input.js';

const MAX_FLOOD = 5_000;
const MAX_CHUNK = 100;

@Controller('flood')
export class FloodController {
  constructor(private readonly hub: SseHub) {}

  /**
   * Publishes the numbers `from` to `from + count - 1` of a run. The page repeats a chunk until it gets an answer, from
   * another process if this one is killed meanwhile; the idempotency keys make that safe.
   */
  @Post()
  @HttpCode(200)
  async chunk(@Body() body: Record<string, unknown>) {
    const run = token(body['run'], 'run');
    const of = integer(body, 'of', 1, MAX_FLOOD);
    const from = integer(body, 'from', 1, of);
    const count = integer(body, 'count', 1, Math.min(MAX_CHUNK, of - from + 1));
    const numbers = Array.from({ length: count }, (_, i) => from + i);
    const results = await this.hub.publishMany(
      numbers.map((n) => ({
        channel: FLOOD,
        type: FLOOD,
        data: { run, n, of },
        idempotencyKey: `${run}:${n}`,
      })),
    );
    const failed = results.filter((result) => 'error' in result).length;
    if (failed > 0)
      throw new ServiceUnavailableException(`${failed} of ${count} events are not published; try again`);
    return { published: count };
  }
}
