import { BullModule, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Controller, Injectable, Scope, Sse, UseFilters, type DynamicModule } from '@nestjs/common';
import { CommandHandler, CqrsModule, EventsHandler } from '@nestjs/cqrs';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Job } from 'bullmq';
import {
  PublishTo,
  SseClient,
  SseHub,
  SseRedisErrorFilter,
  SseRedisModule,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { setImmediate } from 'node:timers/promises';

/** What a handler is to do. */
export interface Work {
  readonly id: number;
  readonly does?: 'nothing' | 'fail';
}

export class OrderPaid implements Work {
  constructor(
    readonly id: number,
    readonly does?: Work['does'],
  ) {}
}

export class ShipOrder extends OrderPaid {}

/** The ids of the work that handlers have done, as `<handler> <id>`. */
export const done: string[] = [];

async function doWork(handler: string, { id, does }: Work): Promise<number | undefined> {
  await setImmediate();
  if (does === 'fail') throw new Error('of its own');
  done.push(`${handler} ${id}`);
  return does === 'nothing' ? undefined : id;
}

@EventsHandler(OrderPaid)
class OrderPaidHandler {
  @PublishTo(
    (id: number, event: OrderPaid) => (id.toString() === `${event.id}` ? 'work' : undefined),
    'cqrs event',
  )
  handle(event: OrderPaid) {
    return doWork('cqrs event', event);
  }
}

@CommandHandler(ShipOrder)
class ShipOrderHandler {
  @PublishTo('work', 'cqrs command')
  execute(command: ShipOrder) {
    return doWork('cqrs command', command);
  }
}

/** Nest finds the methods of a base class, too. */
abstract class BaseListeners {
  @OnEvent('order.paid')
  @PublishTo('work', 'OnEvent of the base')
  onBase(work: Work) {
    return doWork('OnEvent of the base', work);
  }
}

@Injectable()
class Listeners extends BaseListeners {
  @OnEvent('order.paid')
  @PublishTo('work', 'OnEvent above')
  onAbove(work: Work) {
    return doWork('OnEvent above', work);
  }

  @PublishTo('work', 'OnEvent below')
  @OnEvent('order.paid', { suppressErrors: false })
  onBelow(work: Work) {
    return doWork('OnEvent below', work);
  }
}

/** Nest makes one for each event. */
@Injectable({ scope: Scope.REQUEST })
class ListenersOfRequest {
  @OnEvent('order.paid')
  @PublishTo('work', 'OnEvent of a request')
  onPaid(work: Work) {
    return doWork('OnEvent of a request', work);
  }
}

@Controller()
class Handlers {
  constructor(private readonly hub: SseHub) {}

  @Sse('work')
  work(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['work']);
  }

  @EventPattern('paid')
  @PublishTo('work', 'EventPattern above')
  onAbove(@Payload() work: Work) {
    return doWork('EventPattern above', work);
  }

  @PublishTo('work', 'EventPattern below')
  @EventPattern('paid')
  onBelow(@Payload() work: Work) {
    return doWork('EventPattern below', work);
  }

  @MessagePattern('above')
  @PublishTo('work', 'MessagePattern above')
  answerAbove(@Payload() work: Work) {
    return doWork('MessagePattern above', work);
  }

  @UseFilters(SseRedisErrorFilter)
  @PublishTo('work', 'MessagePattern below')
  @MessagePattern('below')
  answerBelow(@Payload() work: Work) {
    return doWork('MessagePattern below', work);
  }
}

/** Of a service that runs in several processes. */
@Controller()
export class ServiceHandlers {
  @EventPattern('sold')
  @PublishTo('sales', 'each')
  onSold(@Payload() { id }: Work) {
    return id;
  }

  @EventPattern('sold')
  @PublishTo('sales', 'once', (_, { id }: Work) => ({ idempotencyKey: `sold ${id}` }))
  onSoldOnce(@Payload() { id }: Work) {
    return id;
  }
}

abstract class BaseWorker extends WorkerHost {
  @OnWorkerEvent('progress')
  @PublishTo('work', 'progress')
  onProgress(_job: Job<Work>, progress: number) {
    return progress;
  }
}

@Processor('reports')
class Reports extends BaseWorker {
  @PublishTo('work', 'process')
  async process(job: Job<Work>) {
    await job.updateProgress(job.data.id + 0.5);
    return doWork('process', job.data);
  }

  @PublishTo((_, job: Job<Work>) => (job.data.does === undefined ? 'work' : undefined), 'completed')
  @OnWorkerEvent('completed')
  onCompleted(job: Job<Work>) {
    return job.data.id;
  }
}

/** An application that has all of Nest's own ways to call a handler. @param connection of BullMQ, which is not to share the hub's fate */
export function ecosystemModule(
  options: SseRedisOptions,
  connection: { host: string; port: number },
): DynamicModule {
  return {
    module: Handlers,
    imports: [
      SseRedisModule.forRoot(options),
      CqrsModule.forRoot(),
      EventEmitterModule.forRoot(),
      BullModule.forRoot({ connection }),
      BullModule.registerQueue({ name: 'reports' }),
    ],
    providers: [OrderPaidHandler, ShipOrderHandler, Listeners, ListenersOfRequest, Reports],
    controllers: [Handlers],
  };
}
