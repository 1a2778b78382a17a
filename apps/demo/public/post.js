// Posts that survive the process that took them: repeated until there is an answer, and safe to repeat, because every
// event that they publish carries an idempotency key.

const PATIENCE = 4_000;
const AGAIN_AFTER = 150;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A random name. (`crypto.randomUUID` exists on https and localhost only.) */
export function token() {
  return [...crypto.getRandomValues(new Uint8Array(9))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/** Rejects only when the server refuses what was posted. */
export async function insist(path, body) {
  for (;;) {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    }).catch(() => undefined);
    if (response?.ok) {
      // A run goes on without whoever began it.
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) void response.body.cancel();
      return;
    }
    if (response && response.status < 500) throw new Error((await response.json()).message);
    await pause(AGAIN_AFTER);
  }
}
