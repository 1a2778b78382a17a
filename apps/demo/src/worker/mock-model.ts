import { setTimeout as pause } from 'node:timers/promises';

/** How many tokens an answer has. */
export const TOKENS = 400;

const SENTENCES = [
  'This answer comes from a model that only pretends to think.',
  'One of the processes behind this page produces it, and the others read along.',
  'Each word is a token, and several tokens travel in one event.',
  'Reload the page, and the answer goes on where it was.',
  'Open another tab, and the same words appear there, from the first one.',
  'Stop it there, and it stops here too.',
  'Kill the process that produces it, and every tab is told that the answer was interrupted.',
  'No reader waits for ever, and no reader takes half an answer for a whole one.',
];

/** The tokens of each answer, so that a reader can tell whether it has them all. */
export function tokensOfAnswer(): string[] {
  const words = SENTENCES.join(' ').split(' ');
  return Array.from({ length: TOKENS }, (_, i) => `${words[i % words.length]!} `);
}

/** Gives one token after the other. @param pace ms between two */
export async function* answer(pace: number, signal: AbortSignal): AsyncGenerator<string> {
  for (const token of tokensOfAnswer()) {
    yield token;
    await pause(pace, undefined, { signal });
  }
}
