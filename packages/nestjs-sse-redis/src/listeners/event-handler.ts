import type { SseEvent } from '../event/sse-event.js';
import { backOff } from '../util/back-off.js';
import { Logger } from '../util/logger.js';
import { stackOf } from '../util/stack-of.js';

const logger = new Logger('OnSseEvent');

/** Calls a method of the application with events, again where it throws. Never rejects. */
export class EventHandler {
  /**
   * @param label of the method, for the log
   * @param attempts how often it is called with an event at most
   */
  constructor(
    readonly label: string,
    private readonly call: (event: SseEvent) => unknown,
    private readonly attempts: number,
  ) {}

  /**
   * @param signal ends the attempts: another process goes on, or none
   * @returns whether the event is done with: it was handled, or given up
   */
  async handle(event: SseEvent, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.call(event);
        return true;
      } catch (error) {
        if (attempt >= this.attempts) {
          this.report(event, `failed ${attempt} times, and is left`, error);
          return true;
        }
        await backOff(attempt, signal);
      }
    }
    return false;
  }

  /** An event that nobody handles is never left in silence. */
  report({ id, channel, type = 'message' }: SseEvent, problem: string, error?: unknown): void {
    const text = `${this.label}(): the event ${id} (${type}) of ${JSON.stringify(channel)} ${problem}.`;
    logger.error(text, error === undefined ? undefined : stackOf(error));
  }

  /** @param problem a whole sentence */
  warn(problem: string): void {
    logger.warn(`${this.label}(): ${problem}`);
  }
}
