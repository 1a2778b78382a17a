import { createClient } from 'nestjs-sse-redis-client';
import { effectScope, nextTick } from 'vue';
import { useChannel } from '../../src/vue/use-channel.js';
import { useRun } from '../../src/vue/use-run.js';
import { useStateMap } from '../../src/vue/use-state-map.js';

const HOOKS = {
  useChannel: (client, channel) => useChannel(client, channel, () => undefined),
  useRun,
  useStateMap,
} satisfies Record<string, (client: ReturnType<typeof create>, channel: string) => unknown>;

const create = () => createClient({ url: 'http://127.0.0.1:1/', log: () => undefined });

/** Runs it as the set-up of a store, from which the errors of watchers are thrown. */
function setUp(run: () => void): unknown[] {
  const errors: unknown[] = [];
  const scope = effectScope();
  try {
    scope.run(run);
  } catch (error) {
    errors.push(error);
  } finally {
    scope.stop();
  }
  return errors;
}

// As where the user has logged out in another tab.
it.each(Object.entries(HOOKS))('%s() of Vue takes a client that was closed for none', async (_, hook) => {
  const client = create();
  client.close();
  expect(setUp(() => void hook(client, 'news'))).toEqual([]);
  await nextTick();
});
