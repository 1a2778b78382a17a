import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { setMaxListeners } from 'node:events';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { getOwnOptions } from '../hub/own-options.js';
import { SseHub } from '../hub/sse-hub.js';
import { withinTime } from '../util/within-time.js';
import { ClusterListener } from './cluster-listener.js';
import { EventHandler } from './event-handler.js';
import { findMethods, type FoundMethod } from './find-methods.js';
import { listenOnNode } from './listen-on-node.js';
import { findLogs } from './listened-log.js';
import type { Listening } from './on-sse-event.decorator.js';

/** How long the start of the application waits for methods of the process to hear. Without Redis they begin later. */
const BEGUN_WITHIN_MS = 2_000;

/** Finds the methods with `@OnSseEvent()` of this hub, as `@nestjs/event-emitter` finds its own, and listens for them. */
@Injectable()
export class EventListeners implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly abort = new AbortController();
  private readonly beginning: Promise<void>[] = [];
  private readonly listening: Promise<void>[] = [];
  private finished: Promise<void> | undefined;
  /** The methods of the cluster by name and channel. */
  private readonly named = new Map<string, FoundMethod>();

  constructor(
    @Inject(SseHub) private readonly hub: SseHub,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    // Each channel of a method waits for it. Node would take more than ten for a leak.
    setMaxListeners(Infinity, this.abort.signal);
  }

  /** Not before: the parts that a method uses may need to start, too. What is published once the application has started is heard. */
  async onApplicationBootstrap(): Promise<void> {
    // A hub of a test's own brings no events.
    if (!getOwnOptions(this.hub)) return;
    for (const method of findMethods(this.modules, this.hub))
      for (const one of method.listenings) this.listen(method, one);
    await withinTime(Promise.all(this.beginning), BEGUN_WITHIN_MS);
  }

  /** Nest 11 calls it twice where an application is closed twice: both wait, and a closed hub is asked nothing. */
  beforeApplicationShutdown(): Promise<void> {
    return (this.finished ??= this.finish());
  }

  /** Others go on with what this process was at. The events that it is in the midst of it finishes, for half of the drain at most. */
  private async finish(): Promise<void> {
    this.abort.abort();
    if (this.listening.length === 0) return;
    await withinTime(Promise.allSettled(this.listening), this.hub.internals.options.drainTimeout / 2);
  }

  private listen(method: FoundMethod, { channels, options }: Listening): void {
    const { instance, key, label } = method;
    const handler = new EventHandler(label, (event) => instance[key]!(event), options.attempts);
    const logs = channels.flatMap((channel) => findLogs(this.hub.internals, label, channel));
    if (options.once === 'cluster' && !options.isNamed && isNameShortened(options.name))
      handler.warn(
        `its position is kept as ${JSON.stringify(options.name)}, and a bundler shortens names of classes here, each build in its own way: give it a name, { once: 'cluster', name: '…' }.`,
      );
    for (const log of new Map(logs.map((one) => [one.name, one])).values()) {
      // As `@OnEvent()` and Redis have it. It may be a name, so it is not refused.
      if (log.label.includes('*'))
        handler.warn(
          `${JSON.stringify(log.label)} is the name of one channel, and no pattern: define a pattern of channels, defineChannel('…{id}', { listeners: true }).`,
        );
      if (options.once === 'node')
        this.beginning.push(listenOnNode(this.hub, log, handler, this.abort.signal));
      else {
        this.checkName(method, options.name, log.label);
        const listener = new ClusterListener(this.hub, log, options.name, handler);
        this.listening.push(listener.listen(this.abort.signal));
      }
    }
  }

  /** One of two methods would never be called. A class that is a provider of two modules has the same method twice. */
  private checkName(method: FoundMethod, name: string, channel: string): void {
    const key = `${name}\n${channel}`;
    const other = this.named.get(key) ?? method;
    const isSame = other.identity === method.identity && other.key === method.key;
    if (!isSame)
      throw new InvalidOptionsError(
        `@OnSseEvent() of ${method.label}() has the name ${JSON.stringify(name)} of another method on ${JSON.stringify(channel)}, that of ${other.label}(): give one of them a name of its own, { once: 'cluster', name: '…' }. Where both have the method from one class, override it and decorate it anew.`,
      );
    this.named.set(key, method);
  }
}

/**
 * Bundlers that shorten names of classes do so with those of this package. Where it is not in the bundle, a class's name of one or two
 * characters says so.
 */
function isNameShortened(name: string): boolean {
  return SseHub.name !== 'SseHub' || /^.{0,2}\./.test(name);
}
