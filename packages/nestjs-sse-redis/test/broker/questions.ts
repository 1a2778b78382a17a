import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SseRegistry } from 'nestjs-sse-redis';
import { of } from 'rxjs';
import type { TestHub } from '../hub/hubs.js';

/** Between two questions of a kind: without it those that Redis need not answer would take the whole process. */
const PAUSE_MS = 2;

/** What an application asks of a hub, by name. */
export type Questions = Readonly<Record<string, () => Promise<unknown>>>;

/** All that only reads. */
export function readings({ hub, running }: TestHub): Questions {
  const registry = running.app.get(SseRegistry);
  return {
    history: () => hub.history('news'),
    cursor: () => hub.cursor(),
    runOf: () => hub.runOf('news'),
    count: () => registry.count(),
    presence: () => registry.presence('news'),
    list: () => registry.list(),
    nodes: () => registry.nodes(),
  };
}

/** All that reaches out to others, or writes. */
export function actions({ hub }: TestHub): Questions {
  return {
    publish: () => hub.publish('news', { data: 'meanwhile' }),
    sendTo: () => hub.sendTo('nobody', { data: 'meanwhile' }),
    disconnect: () => hub.disconnect({ user: 'nobody' }),
    run: async () => {
      const run = await hub.run(randomUUID(), () => of({ type: 'token', data: 'a' }));
      const { state } = await run.outcome();
      if (state !== 'done') throw Object.assign(new Error('a run that was begun'), { code: state });
    },
  };
}

/** Asks all again and again while something changes. Resolves with what was refused. */
export async function askThrough(questions: Questions, change: () => Promise<unknown>): Promise<string[]> {
  const refused: string[] = [];
  let isOver = false;
  const asking = Object.entries(questions).map(async ([name, ask]) => {
    while (!isOver) {
      await ask().catch((error: { code: string }) => void refused.push(`${name} ${error.code}`));
      await pause(PAUSE_MS);
    }
  });
  try {
    await change();
  } finally {
    isOver = true;
    await Promise.all(asking);
  }
  return refused;
}
