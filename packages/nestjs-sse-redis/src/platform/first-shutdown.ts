import { Global, Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/**
 * Knows that the application closes before any other module does. Nest goes from the least distance to the greatest, also for the
 * modules that `LastShutdown` follows.
 */
@Injectable()
export class FirstShutdown implements OnModuleDestroy {
  /** `app.close()` was called, or a signal came. */
  hasBegun = false;

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const module of modules.values()) if (module.metatype === FirstShutdownModule) putFirst(module);
  }

  /** Nest's hook. */
  onModuleDestroy(): void {
    this.hasBegun = true;
  }
}

/** The application's own module has 0 or 1. Without the field the hook comes when that of a global module does. */
function putFirst(module: { distance?: unknown }): void {
  if (typeof module.distance === 'number') module.distance = -Infinity;
}

@Global()
@Module({ providers: [FirstShutdown], exports: [FirstShutdown] })
export class FirstShutdownModule {}
