import { Logger } from '@nestjs/common';
import type { Broker } from '../broker/broker.interface.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { SseRedisError } from '../errors/sse-redis.error.js';
import { parseEventId, type Position } from '../event/position.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { ConnectingClient, ResponseStream } from './connecting-client.js';
import { Connection, type Start } from './connection.js';
import type { Feed } from './feed.js';
import type { Feeds } from './feeds.js';
import { refusalFrame, retryFrame } from './frames.js';
import { Heartbeat } from './heartbeat.js';
import type { LogReader } from './log-reader.js';
import type { Outlet } from './outlet.js';

/** Where a stream starts. */
export interface StartOptions {
  /** The client's last event id, which goes before `rewind`. */
  readonly lastEventId?: string | undefined;
  /** For a newcomer: how many of the last events of its channels together it gets first. */
  readonly rewind?: number | undefined;
}

interface Opening {
  /** Asked once the channels are subscribed: whether to go on. */
  readonly ready?: () => Promise<boolean>;
  readonly failed: (error: unknown) => void;
}

/** All open connections of this process: how one is opened, kept alive and closed. */
export class Streams {
  private readonly logger = new Logger('SseHub');
  private readonly connections = new Set<Connection>();
  private readonly responses = new Set<ResponseStream>();
  private readonly heartbeat: Heartbeat;
  private draining = false;

  constructor(
    private readonly broker: Broker,
    private readonly feeds: Feeds,
    private readonly reader: LogReader,
    private readonly options: ResolvedOptions,
  ) {
    this.heartbeat = new Heartbeat(options.heartbeatInterval);
  }

  /** Connections to clients. */
  get size(): number {
    return this.responses.size;
  }

  /**
   * Serves the response of a client.
   *
   * @param onEnd called when the stream is over; the response is to be ended then
   * @returns what closes it
   */
  serve(
    client: ConnectingClient,
    channels: readonly string[],
    start: StartOptions,
    onEnd: () => void,
  ): () => void {
    const response = client.openResponse(this.options);
    response.onEnd = onEnd;
    this.responses.add(response);
    void response.closed.then(() => this.responses.delete(response));
    const stop = this.open(channels, start, response, {
      ready: async () => {
        if (!(await response.opened)) return false;
        response.write(retryFrame(this.jitteredRetry()));
        if (!this.draining) return true;
        response.end();
        return false;
      },
      failed: (error) => void this.refuse(response, error),
    });
    return () => {
      this.responses.delete(response);
      stop();
    };
  }

  /**
   * Opens a connection to any outlet.
   *
   * @returns what closes it
   */
  open(
    channels: readonly string[],
    start: StartOptions,
    outlet: Outlet,
    { ready, failed }: Opening,
  ): () => void {
    let feeds: Feed[] = [];
    let close: (() => void) | undefined;
    let closed = false;
    const begin = async (): Promise<void> => {
      feeds = await this.feeds.acquire(channels);
      // After the acknowledgements: what is published between this position and them would be lost.
      const from = await this.startOf(channels, start);
      if (closed || (ready && !(await ready())) || closed) return;
      const connection = new Connection(feeds, outlet, this.feeds.link, this.reader, from);
      this.connections.add(connection);
      const stopBeating = this.heartbeat.add(connection);
      close = () => {
        stopBeating();
        this.connections.delete(connection);
        connection.close();
      };
    };
    const release = (): void => {
      for (const feed of feeds) this.feeds.release(feed);
      feeds = [];
    };
    void begin()
      .catch(failed)
      .finally(() => {
        // Closed while it was being opened.
        if (closed) {
          close?.();
          release();
        }
      });
    return () => {
      closed = true;
      close?.();
      release();
    };
  }

  linkLost(): void {
    for (const connection of this.connections) connection.linkLost();
  }

  linkRestored(position: Position): void {
    for (const connection of this.connections) connection.linkRestored(position);
  }

  /**
   * Hands all clients over: each is told when to reconnect, at a time of its own, and its stream is ended. Whoever
   * connects meanwhile is sent away in the same manner.
   *
   * Resolves when the responses have ended; those that have not by then are cut off after `drain.timeout`. Nest
   * closes its server only after this, and would wait for open streams without end.
   */
  async drain(): Promise<void> {
    this.draining = true;
    const open = [...this.responses];
    for (const response of open) {
      response.write(retryFrame(this.jitteredRetry()));
      response.end();
    }
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.options.drainTimeout)));
    await Promise.race([Promise.all(open.map(({ closed }) => closed)), timeUp]);
    clearTimeout(timer);
    for (const response of this.responses) response.destroy();
  }

  stop(): void {
    this.heartbeat.stop();
    for (const connection of this.connections) connection.end();
  }

  private async startOf(channels: readonly string[], { lastEventId, rewind }: StartOptions): Promise<Start> {
    const claimed = lastEventId === undefined ? undefined : parseEventId(lastEventId);
    // In a storm of clients that come back, nobody has to ask.
    if (claimed !== undefined && claimed <= this.feeds.link.known) return { cursor: claimed, resumed: true };
    const last = await this.feeds.lastPosition();
    if (lastEventId === undefined) {
      return { cursor: rewind ? await this.broker.rewind(channels, rewind) : last, resumed: false };
    }
    if (claimed !== undefined && claimed <= last) return { cursor: claimed, resumed: true };
    // Of another deployment, or of data that Redis has lost: what lies between is not known.
    return { cursor: last, resumed: false, gapFrom: claimed ?? null };
  }

  /** The stream is open, with status 200 (any other would end an EventSource for good): tell why, when to return, and end it. */
  private async refuse(response: ResponseStream, error: unknown): Promise<void> {
    if (!(error instanceof RedisUnavailableError)) this.logger.error(error);
    if (!(await response.opened)) return;
    response.write(retryFrame(this.jitteredRetry()));
    response.write(refusalFrame(error instanceof SseRedisError ? error.code : 'INTERNAL_ERROR'));
    response.end();
  }

  /** Each connection its own: what is closed together must not come back together. */
  private jitteredRetry(): number {
    return Math.ceil(this.options.retry * (0.5 + Math.random()));
  }
}
