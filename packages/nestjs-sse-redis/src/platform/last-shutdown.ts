import { Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/**
 * Closes what other modules use until they have closed themselves: a worker of BullMQ waits in its own hook for jobs that still publish.
 *
 * Nest calls the hooks of one module after those of the other, in an order that the imports make
 * (`NestApplicationContext.getModulesToTriggerHooksOn`). Only this module goes last: the hub itself has to begin behind the modules that
 * it imports.
 */
@Injectable()
export class LastShutdown implements OnApplicationShutdown {
  private readonly closings: (() => Promise<void>)[] = [];

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const module of modules.values()) if (module.metatype === LastShutdownModule) putLast(module);
  }

  /** @param close is called when all other modules are closed */
  add(close: () => Promise<void>): void {
    this.closings.push(close);
  }

  /** Nest's hook. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.closings.splice(0).map((close) => close()));
  }
}

/** Global modules have `Number.MAX_VALUE`, also those of others. Without the field it is one of these. */
function putLast(module: { distance?: unknown }): void {
  if (typeof module.distance === 'number') module.distance = Infinity;
}

@Global()
@Module({ providers: [LastShutdown], exports: [LastShutdown] })
export class LastShutdownModule {}
