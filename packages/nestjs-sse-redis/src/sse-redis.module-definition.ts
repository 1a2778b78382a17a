import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SseRedisOptions } from './options/sse-redis-options.interface.js';

/**
 * Token of the options that an application gives, for tests that set others.
 *
 * @example
 * ```ts
 * // The embedded broker, whatever the application configures:
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(SSE_REDIS_OPTIONS).useValue({})
 * ```
 */
export const SSE_REDIS_OPTIONS = Symbol('SSE_REDIS_OPTIONS');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SseRedisOptions>({ optionsInjectionToken: SSE_REDIS_OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSseRedisOptions')
    .setExtras({ isGlobal: false }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
