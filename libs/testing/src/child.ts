// The child's side of `AppProcess`. Programs import it as `@nestjs-sse-redis/testing/child`, which loads nothing else: the
// whole package brings both HTTP adapters, and a third of a second with them, to every process that starts.
import type { FromChild, ReplyError, ToChild } from './process-messages.js';

/** In a program that `AppProcess` runs: it listens on this port. */
export function announceReady(port: number): void {
  post({ ready: { port } });
}

/** Answers every `request()` of the parent. What the handler throws rejects it there. */
export function serveRequests(handler: (message: unknown) => unknown): void {
  process.on('message', (message: ToChild) => {
    if ('request' in message) void answer(message.request, handler);
  });
}

/** Every `send()` of the parent. */
export function onParentMessage(listener: (message: unknown) => void): void {
  process.on('message', (message: ToChild) => {
    if ('message' in message) listener(message.message);
  });
}

/** Appears in the parent's `messages`. */
export function tellParent(message: unknown): void {
  post({ message });
}

async function answer(
  { id, message }: { id: number; message: unknown },
  handler: (message: unknown) => unknown,
): Promise<void> {
  try {
    post({ reply: { id, value: await handler(message) } });
  } catch (error) {
    post({ reply: { id, error: describe(error) } });
  }
}

function describe(error: unknown): ReplyError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return { name: error.name, message: error.message, code: (error as { code?: unknown }).code };
}

function post(message: FromChild): void {
  // A parent that is gone is nothing that this process could help.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

export { Stopwatch } from './stopwatch.js';
