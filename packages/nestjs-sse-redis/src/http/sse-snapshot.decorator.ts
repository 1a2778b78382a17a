import { InjectSnapshot } from './sse-snapshot.pipe.js';
import { wrapHandler } from './wrap-handler.js';

/**
 * Sends the position of now with the state that a handler returns, in the header `Sse-Cursor`. A stream, or a channel, that begins
 * after it brings each event that the state may lack. The position is from before the handler runs, so an event may also be in the state.
 *
 * It is taken behind guards and interceptors: an answer out of a cache has no such header, instead of one that is newer than its state.
 * Where the page is of another origin, `exposedHeaders: ['Sse-Cursor']` of `app.enableCors()` shows it to the page.
 *
 * The request fails with a `RedisUnavailableError` (503) where the position cannot be had.
 *
 * @example
 * ```ts
 * @Get('orders/:id')
 * @SseSnapshot()
 * order(@Param('id') id: string) {
 *   return this.orders.find(id);
 * }
 * ```
 */
export function SseSnapshot(): MethodDecorator {
  return (target, key, descriptor) => {
    wrapHandler(target, key, descriptor, InjectSnapshot(), (method, index) => {
      return function (...args) {
        return method.apply(this, args.slice(0, index));
      };
    });
  };
}
