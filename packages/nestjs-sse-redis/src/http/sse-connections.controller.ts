import {
  BadRequestException,
  Body,
  Controller,
  ForbiddenException,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import { SseHub } from '../hub/sse-hub.js';

/** The body of a browser's request to change its channels. */
export interface ChannelsChange {
  /** From the `control` event of its stream. */
  readonly secret: string;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  /** The new channels begin after this event id, or each after its own, by their names; left out, at now. */
  readonly after?: string | Readonly<Record<string, string>>;
  /**
   * A whole number. The stream repeats it where the change has taken effect, in the data of a `position` event:
   * `{ change, subscribed }`, `{ change, unsubscribed }`.
   */
  readonly change?: number;
}

/** The answer to a change of channels. */
export interface ChannelsChanged {
  /** The channels that `authorize` refused. */
  readonly refused: readonly string[];
  /**
   * The position of now, from before the change: a channel that begins at now begins here, or a little later. A client that is cut off
   * before the channel's first event adds it again after this id.
   */
  readonly position?: string;
}

/**
 * Lets a client change the channels of its own open stream: put it among the `controllers` of a module that imports
 * `SseRedisModule`, and connect with `{ control: true }`. It is bound to the connection by the secret that only its
 * stream was told, works on every process, and asks `authorize` for each channel; without that option it refuses all.
 *
 * `POST /sse/connections/:id/channels` with a `ChannelsChange` answers `{ refused: […], position }`.
 *
 * @example
 * ```js
 * let after; // where the page is in room:7: the id of its last event from there
 * source.addEventListener('message', ({ lastEventId }) => (after = lastEventId));
 * source.addEventListener('control', ({ data }) => {
 *   const { connection, secret } = JSON.parse(data);        // a new one after each reconnect: ask for the channels again
 *   fetch(`/sse/connections/${connection}/channels`, {
 *     method: 'POST',
 *     headers: { 'content-type': 'application/json' },
 *     body: JSON.stringify({ secret, subscribe: ['room:7'], after }),
 *   });
 * });
 * ```
 */
@Controller('sse/connections')
export class SseConnectionsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  /**
   * Changes the channels of a connection, for the browser that has its secret.
   *
   * @param id of the connection, from the `control` event of its stream
   * @throws ForbiddenException where the module has no option `authorize`
   */
  @Post(':id/channels')
  @HttpCode(200)
  async change(@Param('id') id: string, @Body() body: ChannelsChange): Promise<ChannelsChanged> {
    if (!this.hub.internals.clients.isAuthorized) {
      throw new ForbiddenException(
        'Clients may change their channels only where the authorize option of SseRedisModule says which.',
      );
    }
    // `null` would be JSON.
    if (typeof (body as unknown) !== 'object')
      throw new BadRequestException(
        'The request has no body that the application reads: send application/json, and give it a body parser where it has bodyParser: false.',
      );
    const { secret, after, change } = body ?? {};
    if (typeof secret !== 'string')
      throw new BadRequestException('secret takes the one of the control event.');
    const subscribe = names('subscribe', body.subscribe);
    const unsubscribe = names('unsubscribe', body.unsubscribe);
    if (subscribe.length + unsubscribe.length === 0)
      throw new BadRequestException('Name channels to subscribe or to unsubscribe.');
    if (change !== undefined && !Number.isSafeInteger(change))
      throw new BadRequestException('change takes a whole number.');
    const position = subscribe.length > 0 ? await this.hub.cursor(subscribe) : undefined;
    const result = await this.hub.internals.control.changeOwnChannels(id, secret, {
      subscribe,
      unsubscribe,
      change,
      ...(after !== undefined && { after }),
    });
    if (result.unanswered.length > 0)
      throw new ServiceUnavailableException('The process of this connection does not answer. Try again.');
    // Not told apart: whether there is such a connection is nobody's business who has not its secret.
    if (result.connections === 0) throw new NotFoundException('No such connection, or not its secret.');
    return { refused: result.refused, ...(position !== undefined && { position }) };
  }
}

function names(what: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw new BadRequestException(`${what} takes an array of channel names.`);
}
