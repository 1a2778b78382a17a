import { InvalidOptionsError, type SseRedisOptions } from 'nestjs-sse-redis';
import { resolveOptions } from '../../src/options/resolved-options.js';

/** As they come from JavaScript, an environment or a file: nothing is known of them. */
export function resolve(options: unknown): Record<string, unknown> {
  return { ...resolveOptions(options as SseRedisOptions) };
}

/** The complaint about options. */
export function messageFor(options: unknown): string {
  try {
    resolve(options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', name: 'InvalidOptionsError' });
    return (error as Error).message;
  }
  throw new Error('there was nothing to complain of');
}
