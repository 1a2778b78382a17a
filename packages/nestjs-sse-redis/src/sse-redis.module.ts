import {
  Inject,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type NestModule,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer, type AbstractHttpAdapter } from '@nestjs/core';
import type { ChannelDefinitionFields } from './channels/channel-definition.js';
import { ChannelDefinitions } from './channels/channel-definitions.js';
import type { ChannelRules } from './channels/channel-rules.interface.js';
import { InvalidOptionsError } from './errors/invalid-options.error.js';
import { onServerClose } from './platform/closed-server.js';
import { endConnectionsOfEventSources } from './platform/closing-connections.js';
import { answerForClosingFastify, answerInPlaceOf503 } from './platform/closing-answers.js';
import { FirstShutdown, FirstShutdownModule } from './platform/first-shutdown.js';
import { LastShutdown, LastShutdownModule } from './platform/last-shutdown.js';
import { linkToNest } from './nest-link.js';
import { InterceptorNotice } from './http/interceptor-notice.js';
import { dropOverriddenParameters } from './http/own-parameter.js';
import { completeRunRoutes } from './http/run-routes.js';
import { hideClientTypes } from './http/stream-routes.js';
import { jitter } from './clients/retry-time.js';
import { SseHub } from './hub/sse-hub.js';
import { EventListeners } from './listeners/event-listeners.js';
import { ApiDocumentationModule } from './openapi/api-documentation.module.js';
import { resolveOptionClasses } from './options/option-classes.js';
import { checkOptionsObject, resolveOptions, type ResolvedOptions } from './options/resolved-options.js';
import type { OptionsByPattern } from './options/root-options.interface.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import type { SseRedisOptions } from './options/sse-redis-options.interface.js';
import { SseRegistry } from './registry/sse-registry.js';
import { OptionsScope } from './options-scope.js';
import { SseNode } from './sse-node.js';
import { createFeatureModule, findFeatureChannels, type FeatureOptions } from './sse-redis.feature-module.js';
import { findTwins, TWO_COPIES } from './twin-hubs.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
} from './sse-redis.module-definition.js';

// For a bundler that drops the import of index.js: what is used of this file it keeps whole.
linkToNest();

const TWINS =
  'SseRedisModule.forRoot() is imported more than once with the same redis and prefix: each is a hub of its own. Import it once with isGlobal: true, or export it from one module.';

/**
 * Server-Sent Events over Redis. Provides `SseHub` and `SseRegistry`; import it once, with `isGlobal: true` or in each module that uses
 * the hub. Imported with different options it is several hubs, each of the modules that import it.
 */
@Module({
  imports: [ApiDocumentationModule, FirstShutdownModule, LastShutdownModule],
  providers: [
    OptionsScope,
    {
      provide: RESOLVED_OPTIONS,
      useFactory: (options: SseRedisOptions, modules: ModuleRef) => {
        // Of a factory that forgot to return them: no options would be the embedded broker.
        checkOptionsObject(options);
        return resolveOptions(resolveOptionClasses(options, modules));
      },
      inject: [MODULE_OPTIONS_TOKEN, ModuleRef],
    },
    {
      provide: SseNode,
      useFactory: (options: ResolvedOptions, modules: ModulesContainer) => {
        const channels = [...options.channels, ...findFeatureChannels(modules, options.prefix)];
        return new SseNode(options, new ChannelDefinitions(channels, options.publishTimeout));
      },
      inject: [RESOLVED_OPTIONS, ModulesContainer],
    },
    InterceptorNotice,
    EventListeners,
    { provide: SseHub, useFactory: ({ hub }: SseNode) => hub, inject: [SseNode] },
    { provide: SseRegistry, useFactory: ({ registry }: SseNode) => registry, inject: [SseNode] },
  ],
  // The options too, since what the decorators put into the importing modules is injected with them.
  exports: [SseHub, SseRegistry, RESOLVED_OPTIONS],
})
export class SseRedisModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, BeforeApplicationShutdown
{
  private readonly logger = new Logger('SseRedisModule');
  private readonly retry = (): number => jitter(this.options.drainRetry);
  private handOver: Promise<void> | undefined;

  /** @hidden Nest makes the module: `forRoot()` is for applications. */
  constructor(
    @Inject(SseNode) private readonly node: SseNode,
    @Inject(SseHub) private readonly hub: SseHub,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(InterceptorNotice) private readonly interceptorNotice: InterceptorNotice,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(FirstShutdown) private readonly firstShutdown: FirstShutdown,
    @Inject(LastShutdown) lastShutdown: LastShutdown,
  ) {
    super();
    lastShutdown.add(() => this.leave());
  }

  /**
   * Makes the hub of the application.
   *
   * @param options see `SseRedisOptions`; `isGlobal: true` makes the hub injectable everywhere. Without options: the
   * embedded broker, for one process
   * @throws InvalidOptionsError here for what is no object of options; at the start, naming every option that is wrong
   * @example
   * ```ts
   * @Module({ imports: [SseRedisModule.forRoot({ redis: process.env.REDIS_URL, isGlobal: true })] })
   * export class AppModule {}
   * ```
   */
  static override forRoot<Rules extends Record<string, unknown> = ChannelRules>(
    options: Omit<typeof OPTIONS_TYPE, 'authorize'> & OptionsByPattern<Rules> = {},
  ): DynamicModule {
    // Here, since Nest spreads them: of a string the characters would remain, of an array the embedded broker.
    checkOptionsObject(options);
    return super.forRoot(options);
  }

  /**
   * As `forRoot`, with the options from a factory (`useFactory`, `inject`), a class or an existing provider.
   *
   * @example
   * ```ts
   * SseRedisModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ redis: config.getOrThrow('REDIS_URL') }),
   * })
   * ```
   */
  static override forRootAsync<Rules extends Record<string, unknown> = ChannelRules>(
    options: Omit<typeof ASYNC_OPTIONS_TYPE, 'useFactory'> & {
      // oxlint-disable-next-line typescript/no-explicit-any -- as in Nest: what is injected has no common type
      useFactory?: (...args: any[]) => OptionsByPattern<Rules> | Promise<OptionsByPattern<Rules>>;
    },
  ): DynamicModule {
    return super.forRootAsync(options);
  }

  /**
   * Registers channel definitions of a module, as `channels` of `forRoot` does. They hold for the whole application: import
   * the result in the module whose channels they are, and `forRoot` elsewhere, once.
   *
   * @param options `prefix`: of the hub, where the application has several
   * @throws InvalidOptionsError for what `defineChannel()` did not return; at the start where there is no such hub, or where two
   * definitions have equal patterns
   * @example imports: [SseRedisModule.forFeature([orders])]
   */
  static forFeature(
    channels: readonly ChannelDefinitionFields[],
    options: FeatureOptions = {},
  ): DynamicModule {
    return createFeatureModule(channels, options);
  }

  /** For middleware, which there is none of: Nest calls it before it makes the routes of any module. */
  configure(): void {
    // With `preview: true` Nest makes this object without its constructor. It makes no routes then.
    const modules = (this.modules as ModulesContainer | undefined) ?? new Map<never, never>();
    for (const { controllers } of modules.values()) {
      for (const { metatype } of controllers.values()) {
        if (!metatype) continue;
        dropOverriddenParameters(metatype as Type<unknown>);
        hideClientTypes(metatype as Type<unknown>);
        completeRunRoutes(metatype as Type<unknown>);
      }
    }
  }

  /** Nest's hook: the process joins the hub. The start of the application fails where it cannot. */
  async onModuleInit(): Promise<void> {
    if (this.isReplaced) return;
    this.checkTwins();
    await this.node.start();
    answerInPlaceOf503(this.adapter, this.retry);
    onServerClose(this.adapter, () => this.onServerClose());
    // Without HTTP there are no routes, whatever controllers there are.
    if (this.adapter) this.interceptorNotice.log();
  }

  /** Nest's hook: hands the clients of this process over to others (the option `drain`). */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.isReplaced) return;
    await this.beginHandOver();
    answerForClosingFastify(this.adapter, this.retry);
  }

  /** Another module may close the server earlier, and wait for the clients. A test closes it behind each of its requests (supertest). */
  private onServerClose(): void {
    if (!this.firstShutdown.hasBegun || this.handOver || this.isReplaced) return;
    // Nest's hook awaits it as well, and rejects with its error.
    this.beginHandOver().catch(() => undefined);
    answerForClosingFastify(this.adapter, this.retry);
  }

  private beginHandOver(): Promise<void> {
    if (this.handOver) return this.handOver;
    endConnectionsOfEventSources(this.adapter);
    const handOver = this.node.drain();
    // What is still to be done is done when the application is closed again.
    handOver.catch(() => (this.handOver = undefined));
    return (this.handOver = handOver);
  }

  /** Leaves the registry, and closes the connections to Redis, when nobody publishes any more. */
  private async leave(): Promise<void> {
    if (this.isReplaced) return;
    await this.node.stop();
  }

  /**
   * Since Nest 11 each `forRoot()` is a module of its own, however equal the options.
   *
   * @throws InvalidOptionsError where both are embedded brokers: what one hub publishes, streams of the other never get
   */
  private checkTwins(): void {
    const { options } = this;
    const twins = findTwins(this.modules, options);
    if (twins.length < 2) return;
    const [twinsAre, effect] = twins.some(({ isForeign }) => isForeign)
      ? [TWO_COPIES, ' Definitions, rights and decorators of one copy do not count for the hub of the other.']
      : [TWINS, ''];
    if (options.redis === undefined)
      throw new InvalidOptionsError(`${twinsAre} Events of one hub would never reach the other.`);
    if (twins[0]!.options === options)
      this.logger.warn(`${twinsAre} Each hub has connections to Redis, and a node, of its own.${effect}`);
  }

  /** Whether a test has put a hub of its own in the place of this node's (`overrideProvider`): nothing starts or connects then. */
  private get isReplaced(): boolean {
    return this.hub !== this.node.hub;
  }

  /** Undefined in an application without HTTP. */
  private get adapter(): AbstractHttpAdapter | undefined {
    return this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
  }
}
