// Two shards, each a world of its own, and pages with a stream over both: a part in each world, one wire, one id.
import { on } from './rules.mjs';
import { count, verdict } from './ledger.mjs';
import { heal, settle, step } from './schedule.mjs';
import { World } from './world.mjs';

const STEPS = 400;
/** Leaves what a seed says of the kind of its schedule as it is. */
const OTHER_SEED = 3_000_000;

/** A page whose channels are of all shards. */
class Page {
  /** The part whose block was read last. */
  #last;

  /** @param parts clients, each with its world */
  constructor(parts) {
    this.parts = parts;
    this.#clear();
    for (const { client, world } of parts) {
      const drop = client.drop.bind(client);
      client.dropPart = drop;
      client.drop = () => this.drop();
      const { open } = world;
      world.open = (one, node) => (one === client ? this.open(node, world) : open.call(world, one, node));
    }
  }

  /** Blocks of all parts are read in the order in which they were written. */
  #clear() {
    const blocks = [];
    for (const { client } of this.parts) {
      client.wire = {
        push: (take) =>
          blocks.push(() => {
            this.#last = client;
            take();
          }),
        splice: (start, count) => blocks.splice(start, count),
        get length() {
          return blocks.length;
        },
      };
    }
  }

  drop() {
    for (const { client } of this.parts) {
      client.dropPart();
      // An id that is that of one part alone says nothing of the others.
      if (!on('joined-id') && client !== this.#last) client.lastId = undefined;
    }
    this.#clear();
  }

  /** At a process: a node in each world. It serves nobody whose id is of a line that one of them has yet to hear of. */
  open(node, world) {
    const at = Math.max(0, world.nodes.indexOf(node));
    const isNewer = ({ client, world: own }) => own.isNewer(client.lastId, own.nodes[at]);
    if (this.parts.some(isNewer)) return void world.events.waited++;
    for (const { client, world: own } of this.parts) {
      if (!own.nodes[at].link) own.nodes[at].up();
      client.open(own.nodes[at], own.published.length);
    }
  }
}

export function runSharded(seed) {
  const worlds = [new World(seed), new World(seed + OTHER_SEED)];
  // The last client of a world is on runs, whose stream ends.
  for (let i = 0; i < worlds[0].clients.length - 1; i++)
    new Page(worlds.map((world) => ({ world, client: world.clients[i] })));
  for (let i = 0; i < STEPS; i++) step(worlds[0].pick(worlds), seed);
  for (const world of worlds) heal(world);
  for (const world of worlds) settle(world);
  // What one settled last may have been written behind what the other read.
  for (const world of worlds) for (const client of world.clients) client.read();
  const bad = worlds.flatMap((world) => world.clients.flatMap((client) => verdict(client, world)));
  const [one, other] = worlds.map(count);
  return { bad, counts: Object.fromEntries(Object.keys(one).map((key) => [key, one[key] + other[key]])) };
}
