import { Inject, Module, type DynamicModule, type InjectionToken, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ChannelDefinitionFields } from './channels/channel-definition.js';
import { InvalidOptionsError } from './errors/invalid-options.error.js';
import { SseHub } from './hub/sse-hub.js';
import { areDefinitions } from './options/option-checks.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { SseNode } from './sse-node.js';
import { findAllHubs, TWO_COPIES } from './twin-hubs.js';

const FEATURE = Symbol('SSE_REDIS_CHANNELS');

/** For which hub a module registers its channels. */
export interface FeatureOptions {
  /** Of the hub, where the application has several. */
  readonly prefix?: string;
}

interface Feature extends FeatureOptions {
  readonly channels: readonly ChannelDefinitionFields[];
  /** Nest may tell modules apart by the text of their metadata, in which all definitions look alike (`deep-hash`). */
  readonly patterns: readonly string[];
}

/** Holds the channel definitions of one module of the application. `SseNode` looks for all of them. */
@Module({})
export class ChannelFeatureModule implements OnModuleInit {
  /** @throws InvalidOptionsError where it is loaded lazily: rights that hold from some time on only would not hold before */
  constructor(
    @Inject(FEATURE) private readonly feature: Feature,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    for (const { node } of this.findHubs()) {
      if (!node || feature.channels.every((channel) => node.definitions.has(channel))) continue;
      throw new InvalidOptionsError(
        `${this.describe()} was loaded after the hub had started (LazyModuleLoader). Import it in a module that the application starts with.`,
      );
    }
  }

  /** @throws InvalidOptionsError unless exactly one hub is meant */
  onModuleInit(): void {
    const hubs = this.findHubs();
    if (hubs.length === 1 || this.isReplaced()) return;
    throw new InvalidOptionsError(
      hubs.length > 1
        ? `${this.describe()} is imported in an application with several hubs. Say whose channels they are: forFeature([…], { prefix: 'that of the hub' }).`
        : `${this.describe()} found no hub${this.feature.prefix === undefined ? '' : ' with this prefix'}${this.adviseOnNoHub()}`,
    );
  }

  /** The hubs that it may mean; `node` is undefined for those that Nest has not made yet. */
  private findHubs(): { readonly node: SseNode | undefined }[] {
    const { prefix } = this.feature;
    return [...this.modules.values()].flatMap(({ providers }) => {
      const options = providers.get(RESOLVED_OPTIONS)?.instance as Partial<ResolvedOptions> | undefined;
      const node = providers.get(SseNode)?.instance as SseNode | undefined;
      if (!providers.has(SseNode) || (prefix !== undefined && options?.prefix !== prefix)) return [];
      return [{ node: node?.id === undefined ? undefined : node }];
    });
  }

  private adviseOnNoHub(): string {
    const isOfAnotherCopy = findAllHubs(this.modules).some(({ isForeign }) => isForeign);
    return isOfAnotherCopy
      ? ` of its own copy of the package. ${TWO_COPIES}`
      : ': import SseRedisModule.forRoot() or forRootAsync() once.';
  }

  /** Whether a test has put a module of its own in the place of the hub's (docs/testing.md). */
  private isReplaced(): boolean {
    const modules = [...this.modules.values()];
    const has = (token: InjectionToken) => modules.some(({ providers }) => providers.has(token));
    return has(SseHub) && !has(SseNode);
  }

  private describe(): string {
    const { channels, prefix } = this.feature;
    const patterns = channels.map(({ pattern }) => JSON.stringify(pattern)).join(', ');
    return `SseRedisModule.forFeature([${patterns}]${prefix === undefined ? '' : `, { prefix: ${JSON.stringify(prefix)} }`})`;
  }
}

/** @throws InvalidOptionsError for what is no channel definition */
export function createFeatureModule(
  channels: readonly ChannelDefinitionFields[],
  { prefix }: FeatureOptions,
): DynamicModule {
  const problems = areDefinitions(channels, 'channels');
  if (problems.length > 0)
    throw new InvalidOptionsError(`SseRedisModule.forFeature(channels): ${problems.join('; ')}.`);
  const patterns = channels.map(({ pattern }) => pattern);
  const feature: Feature = { channels: [...channels], patterns, ...(prefix !== undefined && { prefix }) };
  return { module: ChannelFeatureModule, providers: [{ provide: FEATURE, useValue: feature }] };
}

/** Returns the definitions that modules of the application have registered for a hub. They are there before any instance is made. */
export function findFeatureChannels(modules: ModulesContainer, hubPrefix: string): ChannelDefinitionFields[] {
  return [...modules.values()].flatMap(({ metatype, providers }) => {
    if (metatype !== ChannelFeatureModule) return [];
    const { channels, prefix = hubPrefix } = providers.get(FEATURE)!.instance as Feature;
    return prefix === hubPrefix ? channels : [];
  });
}
