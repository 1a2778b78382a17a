import { channelOf, createClient } from 'nestjs-sse-redis-client';

const orders = channelOf('order:{id}');
const client = createClient({ url: '/events' });
client.channel(orders({ id: 7 })).on('paid', (data) => (document.title = JSON.stringify(data)));
