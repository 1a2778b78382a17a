import { Sse } from '@nestjs/common';
import { SseChannels, SseClient, type SseHub } from 'nestjs-sse-redis';
import { news, orders } from './definitions.js';

const order = orders({ id: 7 });

export class OrdersController {
  constructor(private readonly hub: SseHub) {}

  @Sse('one')
  one(@SseClient() client: SseClient) {
    return this.hub.connect(client, order);
  }

  @Sse('some')
  some(@SseClient() client: SseClient) {
    return this.hub.connect(client, [order, news(), 'plain'], { rewind: 5 });
  }

  @Sse('wrong')
  wrong(@SseClient() client: SseClient) {
    // @ts-expect-error -- a definition is no channel
    return this.hub.connect(client, [orders]);
  }

  @Sse('named')
  @SseChannels([order, 'plain'])
  named(): void {}

  @Sse(':id')
  @SseChannels((request: { params: { id: string } }) => orders({ id: request.params.id }))
  computed(): void {}

  @Sse('path/:id')
  @SseChannels(orders)
  path(): void {}

  @Sse('paths/:id')
  @SseChannels([orders, news, 'plain'], { control: true })
  paths(): void {}

  @Sse('wrong')
  // @ts-expect-error -- a pattern is a name, but an object is neither
  @SseChannels({ pattern: 'order:{id}' })
  unknown(): void {}

  @Sse('later')
  @SseChannels(async ({ params }) => {
    await Promise.resolve();
    return [orders({ id: params.id }), 'plain'];
  })
  later(): void {}

  async control(): Promise<void> {
    await this.hub.subscribe({ user: 'anna' }, [order, 'plain'], { after: await this.hub.cursor(order) });
    await this.hub.unsubscribe('connection', order);
    await this.hub.reauthorize({ channel: order });
    await this.hub.disconnect({ channel: order }, { reconnect: true });
    // @ts-expect-error -- a definition is no channel
    await this.hub.subscribe({ user: 'anna' }, orders);
    // @ts-expect-error -- no channel
    await this.hub.reauthorize({ channel: { name: 'order:7' } });
  }
}
