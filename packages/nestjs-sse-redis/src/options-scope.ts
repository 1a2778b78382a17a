import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidOptionsError } from './errors/invalid-options.error.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';

/**
 * Refuses options that Nest makes for each request. The hub would be made for each request, too, and Nest calls no hook of such a one: the
 * application would start, and each request fail. This class depends on no option, so that its own hook is called.
 */
@Injectable()
export class OptionsScope implements OnModuleInit {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /** @throws InvalidOptionsError where the options depend on a request */
  onModuleInit(): void {
    for (const { providers } of this.modules.values()) {
      const options = providers.get(RESOLVED_OPTIONS);
      if (!options || options.isDependencyTreeStatic()) continue;
      throw new InvalidOptionsError(
        'SseRedisModule.forRootAsync(): its options come from a class that Nest makes for each request (Scope.REQUEST, durable too), or from the request itself. All requests share one hub: give it what Nest makes once.',
      );
    }
  }
}
