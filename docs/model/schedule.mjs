// One random schedule: what happens, a step at a time, and in the end what each client has.
import { JOINED } from './client.mjs';
import { count, verdict } from './ledger.mjs';
import { CHANNELS, RUNS, World } from './world.mjs';

const STEPS = 250;

/** What happens in a step, up to which random number. */
const STEP = [
  [0.22, (w) => w.publish(w.pick([...CHANNELS, JOINED, RUNS]))],
  [0.25, (w) => w.publishEphemeral()],
  [0.5, (w) => w.pick(w.nodes).receive()],
  [0.7, (w) => w.clientGoesOn()],
  [0.71, (w) => w.joinOrLeave()],
  [0.76, (w) => w.drop()],
  [0.765, (w) => w.loseAnnouncement()],
  [0.8, (w) => w.linkDownOrUp()],
  [0.96, (w) => w.tick(Math.floor(w.rnd() * 6))],
  [0.97, (w) => w.expire()],
  [0.975, (w) => w.calm || w.flush()],
  [0.98, (w) => w.calm || w.failover()],
  [0.985, (w) => w.promote()],
  [1, (w) => w.switchOver(w.pick(w.nodes))],
];

/** What happens besides where announcements are lost, and clients come and go. */
const COMING_AND_GOING = [
  [0.1, (w) => w.loseAnnouncement()],
  [0.2, (w) => w.drop()],
  [0.35, (w) => w.clientGoesOn()],
  [0.4, (w) => w.joinOrLeave()],
  [0.5, (w) => w.publish(w.pick([...CHANNELS, JOINED]))],
];

function happen(world, table, r) {
  table.find(([upTo]) => r < upTo)?.[1](world);
}

/** Nodes and clients keep up. An event comes late only to clients that were live. */
function keepUp(world) {
  for (const n of world.nodes) for (let k = 0; k < 3; k++) n.receive();
  for (const c of world.clients) c.connection?.step();
  if (world.rnd() < 0.04) world.loseAnnouncement();
  for (const c of world.clients) if (world.rnd() < 0.4) world.readSome(c);
}

/** Late events, cut between any two blocks: links stay up, and clients read some blocks now and then. */
function comeAndGo(world) {
  for (const [i, n] of world.nodes.entries()) if (world.rnd() < world.pace[i]) n.receive();
  for (const c of world.clients) {
    if (world.rnd() < 0.6) c.connection?.step();
    if (world.rnd() < 0.5) world.readSome(c);
  }
  happen(world, COMING_AND_GOING, world.rnd());
}

function isBusy({ nodes }) {
  return nodes.some((n) => n.link.queue.length + n.replies.length + n.commands.length > 0);
}

/** All is well again. */
export function heal(world) {
  const { nodes } = world;
  world.switchAll();
  for (const n of nodes) if (!n.link) n.up();
  for (const n of nodes) while (n.replies.length > 0) n.receive();
}

/** Nothing more is published: audits find what is still missing. */
export function settle(world) {
  const { nodes, clients, published } = world;
  for (const c of clients) if (!c.connection && !c.done) world.open(c, nodes[0]);
  for (const c of clients) if (c.left !== undefined) c.add(JOINED, published.length, c.left);
  for (let round = 0; round < 4; round++) {
    for (let k = 0; k < 100 || (k < 2000 && isBusy(world)); k++) {
      for (const n of nodes) n.receive();
      for (const c of clients) {
        c.connection?.step();
        c.read();
      }
    }
    world.beat();
  }
}

export function step(world, seed) {
  const isLossy = seed % 4 === 3;
  if (seed % 4 === 1) keepUp(world);
  if (isLossy) comeAndGo(world);
  world.beatIfDue();
  happen(world, STEP, world.rnd() * (isLossy ? 0.965 : 1));
}

export function runSchedule(seed) {
  const world = new World(seed);
  for (let i = 0; i < STEPS; i++) step(world, seed);
  heal(world);
  settle(world);
  const bad = world.clients.flatMap((c) => verdict(c, world));
  return { bad, counts: count(world) };
}
