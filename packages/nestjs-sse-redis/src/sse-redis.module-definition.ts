import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SseRedisOptions } from './options/sse-redis-options.interface.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SseRedisOptions>()
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSseRedisOptions')
    .setExtras({ isGlobal: false }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
