import {
  HttpException,
  Inject,
  Injectable,
  Optional,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Authorizer } from '../clients/authorizer.js';
import { authorizeByDefinitions } from '../clients/definition-rules.js';
import { ForbiddenChannelError } from '../errors/forbidden-channel.error.js';
import { InvalidEventIdError } from '../errors/invalid-event-id.error.js';
import { parseChannel } from '../event/channel-name.js';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { forbidStoring } from '../util/forbid-storing.js';
import type { RequestClient } from './request-client.js';
import { resolveChannels } from './channels-of-request.js';
import { optionsOfHub } from './options-of-hub.js';
import { SSE_RUN, type RunRoute } from './run-route.js';
import { getHttpExchange, SseClientPipe } from './sse-client.pipe.js';

/** A request of `@SseRun()` that may go on. */
export interface RunRequest {
  readonly hub: SseHub;
  readonly client: RequestClient;
  readonly channel: string;
  /** Of a request that resumes: the id from which on a client without an id of its own reads. */
  readonly start: string | undefined;
}

type Lacking = 'events' | 'gap' | 'nothing';

/** Events that are looked for: of these the beginning of a run is left out. */
const FEW = 2;

const requests = new WeakMap<object, RunRequest>();

/** What the guard found out of a request. */
export function getRunRequest(request: object): RunRequest {
  return requests.get(request)!;
}

/**
 * Answers the requests of `@SseRun()` that go no further. A guard, since Nest sends the headers of a stream while interceptors and
 * handlers still wait for something (`RouterResponseController.sse`): what they throw then is an event of a stream of status 200.
 */
@Injectable()
export class SseRunGuard implements CanActivate {
  private readonly clients: SseClientPipe;
  private readonly options: ResolvedOptions;
  private authorizer: Authorizer | undefined;

  constructor(
    @Inject(SseHub) readonly hub: SseHub,
    @Optional() @Inject(RESOLVED_OPTIONS) options?: ResolvedOptions,
  ) {
    this.options = optionsOfHub(options, hub);
    this.clients = new SseClientPipe(hub, this.options);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { role, channel, isResumedAfterEnd } = Reflect.getMetadata(
      SSE_RUN,
      context.getHandler(),
    ) as RunRoute;
    const exchange = getHttpExchange(context);
    const client = await this.clients.transform(exchange);
    const { request } = exchange;
    const name = parseChannel(await resolveChannels(channel, request, client));
    await this.authorize(client, name);
    const start = role === 'resume' ? await this.find(name, client, isResumedAfterEnd) : undefined;
    requests.set(request, { hub: this.hub, client, channel: name, start });
    return true;
  }

  /** The run that a client reads, or has not read to its end. @throws HttpException 204, which ends an EventSource */
  private async find(
    channel: string,
    { lastEventId, response }: RequestClient,
    isResumedAfterEnd: boolean,
  ): Promise<string> {
    const run = await this.hub.runOf(channel);
    if (run?.state === 'running') return run.id;
    // A run that is no longer known may have left its last events, and its end.
    const lacking = isResumedAfterEnd ? await this.findLacking(channel, lastEventId) : 'nothing';
    if (lacking === 'events' || (run && lacking === 'gap')) return run?.id ?? lastEventId!;
    forbidStoring(response);
    throw new HttpException('', 204);
  }

  /** What a client lacks of the channel. `gap`: what it lacks is not retained. */
  private async findLacking(channel: string, lastEventId: string | undefined): Promise<Lacking> {
    if (lastEventId === undefined) return 'nothing';
    try {
      const { events, gap } = await this.hub.history(channel, { after: lastEventId, limit: FEW });
      return events.length > 0 ? 'events' : gap ? 'gap' : 'nothing';
    } catch (error) {
      // It is told of the gap.
      if (error instanceof InvalidEventIdError) return 'gap';
      throw error;
    }
  }

  private async authorize({ user, address, request }: RequestClient, channel: string): Promise<void> {
    const { definitions } = this.hub.internals;
    const authorize = authorizeByDefinitions(definitions, this.options.authorize);
    this.authorizer ??= authorize && new Authorizer(authorize);
    const refused = await this.authorizer?.refused({ user, address, request }, [channel]);
    if (!refused || refused.length === 0) return;
    throw new ForbiddenChannelError(`The authorize option refused ${JSON.stringify(channel)}.`, refused);
  }
}
