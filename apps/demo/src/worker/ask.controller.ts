import { Body, Controller, Get } from '@nestjs/common';
import { SseHub, SseRun, SseSnapshot, type RunSource } from 'nestjs-sse-redis';
import { ASK } from './channels.js';
import { me } from './identity.js';
import { integer, text } from './input.js';
import { answer, TOKENS } from './mock-model.js';

const PACE = 25;
const SLOWEST = 200;
/** ms within which tokens make one event. */
const BATCH = 60;

/** A model's answer as a run: it goes on without its reader, and any process can stop it. */
@Controller('ask')
export class AskController {
  constructor(private readonly hub: SseHub) {}

  /** The last answer, for a page that opens: it reads the channel after the run's beginning. */
  @Get()
  @SseSnapshot()
  async latest() {
    return { run: (await this.hub.runOf(ASK)) ?? null };
  }

  /** `POST` asks, or joins the answer that is going on. `GET` reads it, and `DELETE` stops it. */
  @SseRun('answer', ASK, { batch: BATCH, metadata: { name: 'somebody who asks', process: me.name } })
  answer(@Body() body: Record<string, unknown>): RunSource {
    const question = text(body, 'question', 200);
    const pace = body['pace'] === undefined ? PACE : integer(body, 'pace', 1, SLOWEST);
    return (signal) => produce(question, pace, signal);
  }
}

async function* produce(question: string, pace: number, signal: AbortSignal) {
  yield { type: 'question', data: { question, of: TOKENS, by: me } };
  yield* answer(pace, signal);
}
