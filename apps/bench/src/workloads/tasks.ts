import type { Sizes } from '../sizes.js';
import { broadcast } from './broadcast.js';
import { connecting } from './connecting.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { idleCpu } from './idle-cpu.js';
import { perUser } from './per-user.js';
import { processes } from './processes.js';
import { shards } from './shards.js';
import { stalled } from './stalled.js';
import { storm } from './storm.js';
import type { Task } from './task.js';

/** All that a run measures. */
export function allTasks(sizes: Sizes): Task[] {
  return [
    broadcast(sizes),
    perUser(sizes),
    processes(sizes),
    ...stalled(sizes),
    connecting(sizes),
    storm(sizes),
    idle(sizes),
    idleCpu(sizes),
    ...growth(sizes),
    ...shards(sizes),
  ];
}
