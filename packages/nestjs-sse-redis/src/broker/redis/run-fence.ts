import { runEnded } from '../run-ended.js';
import { RunOrderError } from '../run-order.error.js';
import type { RunEndState, RunFence } from '../run-store.interface.js';

const ENDED = 'RUN_ENDED ';

/** A fence as `scripts/include/run.lua` takes it. */
export function formatFence({ id, node, sequence, base, end }: RunFence): string {
  const fence = `${id} ${node} ${sequence} ${base}`;
  return end ? `${fence} ${end.state} ${end.retain}` : fence;
}

/** The error for the words of that script, if they are its. */
export function toRunRefusal(words: string): Error | undefined {
  if (words === 'RUN_ORDER') return new RunOrderError('An event of a run came too early.');
  return words.startsWith(ENDED) ? runEnded(words.slice(ENDED.length) as RunEndState) : undefined;
}
