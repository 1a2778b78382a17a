import { insist, pause, token } from './post.js';

const CHUNK = 25;
/** Slow enough to kill somebody meanwhile. */
const PACE = 140;

/** Publishes the numbers 1 to `of`, chunk after chunk; one is not begun before the one before it was acknowledged. */
export async function flood(of, onProgress) {
  const run = token();
  for (let from = 1; from <= of; from += CHUNK) {
    const count = Math.min(CHUNK, of - from + 1);
    await insist('/flood', { run, of, from, count });
    onProgress(from + count - 1);
    await pause(PACE);
  }
}
