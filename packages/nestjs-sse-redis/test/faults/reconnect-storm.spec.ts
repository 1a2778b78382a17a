import { until } from '@nestjs-sse-redis/testing';
import { Deployment } from './deployment.js';
import { Publisher } from './publisher.js';
import { DataLoss, judge } from './verdict.js';
import { WatchedClient } from './watched-client.js';

const CLIENTS = Number(process.env.FAULT_SECONDS ?? 0) > 300 ? 5_000 : 1_000;
const CHANNELS = Array.from({ length: 20 }, (_, i) => `channel-${i}`);
/** What a node may ask of Redis for a channel: the position when it subscribes, the log, and both once more. */
const COMMANDS_PER_CHANNEL = 4;

describe(`${CLIENTS} clients that come back at once, after their process was killed`, () => {
  let deployment: Deployment;
  const clients: WatchedClient[] = [];

  beforeAll(async () => {
    // Few probes, which are commands too. A busy machine takes its time.
    deployment = await Deployment.start({
      options: { probeInterval: 5_000, heartbeatInterval: 5_000, publishTimeout: 30_000 },
    });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.stop()));
    await deployment.stop();
  });

  /** How often Redis ran a script of the hub. */
  async function scriptsRun(): Promise<number> {
    const stats = String(await deployment.admin('INFO', 'commandstats'));
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  }

  it('cost Redis commands by channels and not by clients, and none is lost', async () => {
    const [first, ...others] = deployment.nodes;
    let turn = 0;
    const pickUrl = () => (first!.isUp ? first! : others[turn++ % others.length]!).url;
    for (let i = 0; i < CLIENTS; i++) {
      clients.push(new WatchedClient(`client ${i}`, [CHANNELS[i % CHANNELS.length]!], pickUrl));
    }
    await until(() => clients.every(({ start }) => start !== undefined), { timeout: 60_000, interval: 50 });

    const publisher = new Publisher(() => others[0]!);
    const onePerChannel = CHANNELS.map((channel) => ({ channel }));
    await publisher.publish(onePerChannel);
    const ofType = (client: WatchedClient, type: string) =>
      client.messages.filter((message) => message.type === type);
    const hasEvents = (count: number) => clients.every((client) => ofType(client, 'tick').length >= count);
    await until(() => hasEvents(1), { timeout: 30_000, interval: 20 });

    await first!.kill('SIGKILL');
    const before = await scriptsRun();
    // While they are on their way.
    await publisher.publish(onePerChannel);
    const began = performance.now();
    await until(() => clients.every(({ connections }) => connections >= 2) && hasEvents(2), {
      timeout: 60_000,
      interval: 20,
    });
    const ms = performance.now() - began;
    const commands = (await scriptsRun()) - before - onePerChannel.length;

    const problems = clients.flatMap(
      (client) =>
        judge(client, { events: publisher.events, loss: new DataLoss(), announcementDropped: false })
          .problems,
    );
    expect(problems).toEqual([]);
    const refusals = clients.flatMap((client) => ofType(client, 'error').map(({ data }) => data));
    process.stdout.write(
      `\nstorm: ${refusals.length} refusals, ${CLIENTS} clients back in ${ms.toFixed(0)} ms, ${commands} scripts run\n`,
    );
    // Nobody timed out.
    if (refusals.length > 0) process.stdout.write(deployment.nodes.map(({ log }) => log).join('\n'));
    expect(refusals.length).toBe(0);
    const probes = 2 * Math.ceil(ms / 5_000 + 1);
    // The registry's commands grow with time, not with clients: a batch in 20 ms at the most, and what keeps leases.
    const registry = others.length * (2 * Math.ceil(ms / 20) + 2 * Math.ceil(ms / 2_500 + 1));
    expect(commands).toBeLessThan(others.length * CHANNELS.length * COMMANDS_PER_CHANNEL + probes + registry);
  });
});
