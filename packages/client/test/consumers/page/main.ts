import { channelOf, createClient } from 'nestjs-sse-redis-client';
import { shareTabs } from 'nestjs-sse-redis-client/share';

const orders = channelOf('order:{id}');
const client = createClient({ url: '/events', share: shareTabs({ key: 'anna' }) });
client.channel(orders({ id: 7 })).on('paid', (data) => (document.title = JSON.stringify(data)));
