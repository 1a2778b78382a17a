import { serveRequests } from '@nestjs-sse-redis/testing/child';
import { setTimeout as pause } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { startNewsNode } from '../http/news.process.js';

const hub = await startNewsNode(['error', 'fatal']);

/** Has the process pipe an endless run, or one of so many items; the reply comes when it has begun, or ended. */
export interface PipeRequest {
  readonly run: string;
  readonly source: 'generator' | 'observable' | 'hanging' | number;
  /** Nobody looks at what becomes of the pipe. */
  readonly isForgotten?: boolean;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function* generate(run: string): AsyncGenerator<string> {
  try {
    for (let i = 0; ; i++) {
      yield `${run}${i}`;
      await pause(20);
    }
  } finally {
    await hub.publish('chat', { data: `${run} left` });
    say('source left');
  }
}

function observe(run: string): Observable<string> {
  return new Observable((subscriber) => {
    let i = 0;
    const timer = setInterval(() => subscriber.next(`${run}${i++}`), 20);
    return () => {
      clearInterval(timer);
      say('source left');
    };
  });
}

/** A source whose `return()` is never answered. */
function hang(run: string): AsyncIterable<string> {
  let i = 0;
  const never = new Promise<never>(() => undefined);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (i < 3 ? Promise.resolve({ value: `${run}${i++}`, done: false }) : never),
      return: () => {
        say('source left');
        return never;
      },
    }),
  };
}

serveRequests(async (message) => {
  const { run, source, isForgotten = false } = message as PipeRequest;
  if (typeof source === 'number') {
    await hub.pipe(
      'chat',
      Array.from({ length: source }, (_, i) => `${run}${i}`),
    );
    return;
  }
  const sources = { generator: generate, observable: observe, hanging: hang };
  const piped = hub.pipe('chat', sources[source](run));
  if (isForgotten) return;
  piped.then(
    () => say('pipe resolved'),
    (error: { code?: string }) => say(`pipe rejected ${error.code}`),
  );
});
