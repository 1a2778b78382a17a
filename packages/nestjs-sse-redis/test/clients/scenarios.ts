import type { Scene, SceneOptions } from './scene.js';

/** What happens to the clients of a scene; it begins when their streams are open. */
export interface Scenario extends Pick<SceneOptions, 'channels' | 'options' | 'control' | 'closeOnEnd'> {
  readonly play: (scene: Scene) => Promise<void>;
}

const NEWS = ['news'];

export const killedAfterFive: Scenario = {
  channels: NEWS,
  async play(scene) {
    await scene.publish('news', 5);
    await scene.received();
    await scene.deployment.endFirst('SIGKILL');
    await scene.publish('news', 5);
    await scene.back();
    await scene.publish('news', 5);
    await scene.received();
  },
};

/** A client has only the position of its stream's begin. Events are published while nobody is connected. */
export const killedBeforeFirst: Scenario = {
  channels: NEWS,
  control: true,
  async play(scene) {
    await scene.placed();
    await scene.deployment.ask({ kind: 'gate', open: false });
    await scene.deployment.endFirst('SIGKILL');
    await scene.publish('news', 5);
    await scene.back();
    await scene.deployment.ask({ kind: 'gate', open: true });
    await scene.placed();
    await scene.publish('news', 5);
    await scene.received();
  },
};

export const drained: Scenario = {
  channels: NEWS,
  async play(scene) {
    await scene.publish('news', 5);
    await scene.received();
    const exit = scene.deployment.endFirst('SIGTERM');
    for (let i = 0; i < 5; i++) await scene.publish('news', 1);
    await scene.back();
    await exit;
    await scene.publish('news', 5);
    await scene.received();
  },
};

/** How many events every client has received before the log is trimmed. */
export const BEFORE_TRIM = 4;

/** The log of one channel of two is trimmed while the clients are away. */
export const trimmed: Scenario = {
  channels: ['busy', 'quiet'],
  options: { history: { maxLength: 10 } },
  async play(scene) {
    await scene.publish('busy', BEFORE_TRIM / 2);
    await scene.publish('quiet', BEFORE_TRIM / 2);
    await scene.received();
    await scene.deployment.ask({ kind: 'gate', open: false });
    await scene.deployment.endFirst('SIGKILL');
    await scene.publish('busy', 300);
    await scene.publish('quiet', 2);
    await scene.back();
    await scene.deployment.ask({ kind: 'gate', open: true });
    await scene.received();
  },
};

const TTL = 6_000;

/** The channel is silent for longer than its history is kept, and the clients come back several times meanwhile. */
export const quiet: Scenario = {
  channels: NEWS,
  control: true,
  options: { history: { ttl: TTL }, heartbeatInterval: 250, probeInterval: 250 },
  async play(scene) {
    await scene.publish('news', 1);
    await scene.received();
    const published = toMs(scene.published[0]!.id);
    // The clock is Redis', as its positions tell it: a slow machine makes the silence longer, never shorter.
    for (const silence of [TTL / 3, (2 * TTL) / 3, TTL + 500]) {
      await scene.placed(published + silence);
      await scene.cut();
    }
    await scene.placed();
    await scene.publish('news', 1);
    await scene.received();
  },
};

/** In Node it comes back after a 204, again and again, so that its application has to close it. */
export const CLOSES_ITSELF: readonly string[] = ['event-source-polyfill'];

export const endedForGood: Scenario = {
  channels: NEWS,
  closeOnEnd: CLOSES_ITSELF,
  async play(scene) {
    await scene.publish('news', 5);
    await scene.received();
    await scene.deployment.ask({ kind: 'disconnect', channel: 'news', reason: 'signed out' });
    await scene.all('each client has given up', ({ readyState }) => readyState === 'closed');
  },
};

/** @returns the ms of an event id */
function toMs(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}
