/**
 * Waits for something that comes over a socket, for a time.
 *
 * After an event loop that was blocked Node runs timers before it reads sockets (Node's guide "The Node.js event loop":
 * timers, poll, check). So when the time is up, the sockets are read once more before it gives up: an answer that has
 * long arrived counts.
 *
 * @param ms milliseconds
 * @returns what the promise resolves to, or undefined when the time is up first
 * @throws what the promise rejects with
 *
 * @example
 * const answer = await withinTime(ask(), 2_000);
 * if (answer === undefined) throw new Error('no answer within 2 seconds');
 */
export async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, undefined), ms);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
