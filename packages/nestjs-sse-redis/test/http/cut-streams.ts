import { compare, ownIdOf, SseParser, SseStream, until, type SseBlock } from '@nestjs-sse-redis/testing';
import { get } from 'node:http';

/** How clients keep their place. All three kinds are in use (docs/clients.md). */
export const CLIENT_KINDS = ['as browsers do', 'as the standard says', 'by blocks with data only'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

export interface ToldGap {
  readonly channel: string;
  readonly from: string | null;
  readonly to: string;
}

/** What a client has of a stream that was cut off. */
export interface Reception {
  readonly keys: readonly string[];
  readonly ids: readonly string[];
  readonly gaps: readonly ToldGap[];
  readonly lastEventId: string;
}

export interface Scene {
  readonly url: string;
  /** With which the recorded stream began. */
  readonly start: string;
  readonly bytes: Buffer;
  /** Keys of the events that the client is to get, in no order. */
  readonly expected: readonly string[];
  /** Of each channel the key of its last event. */
  readonly last: readonly string[];
  /** Channels of which a gap must be told. */
  readonly gaps?: readonly string[];
  /** Comes back as it came, to begin at now: the gaps tell of all before. */
  readonly beginsAnew?: boolean;
  /** What else may not be delivered if a gap of its channel was told. */
  readonly maybeLost?: readonly string[];
}

/** Records the body of a stream, until a condition holds for its text. */
export async function record(
  url: string,
  lastEventId: string,
  work: (seen: (what: string) => Promise<void>) => Promise<void>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const headers = { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) };
  const request = get(url, { headers, agent: false }, (response) => {
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  });
  request.on('error', () => undefined);
  const seen = (what: string) =>
    until(() => Buffer.concat(chunks).includes(what), {
      message: `the stream has ${JSON.stringify(what)}`,
    }).then(() => undefined);
  try {
    await work(seen);
    return Buffer.concat(chunks);
  } finally {
    request.destroy();
  }
}

/** What a client has when a stream ended after these bytes. What is incomplete is discarded. */
export function receive(bytes: Buffer, start: string, kind: ClientKind): Reception {
  const blocks: SseBlock[] = [];
  new SseParser({ onBlock: (block) => blocks.push(block) }).push(bytes);
  const messages = blocks.flatMap(({ message }) => message ?? []);
  const gaps = messages.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data) as ToldGap);
  const events = messages.filter(({ type }) => type === 'message');
  return {
    keys: events.map(({ data }) => (JSON.parse(data) as { key: string }).key),
    ids: events.map(ownIdOf),
    gaps,
    lastEventId: lastIdOf(blocks, start, kind),
  };
}

function lastIdOf(blocks: readonly SseBlock[], start: string, kind: ClientKind): string {
  if (kind === 'as browsers do') return blocks.findLast(({ id }) => id !== undefined)?.id ?? start;
  if (kind === 'by blocks with data only') {
    return blocks.findLast(({ id, raw }) => id !== undefined && /^data:/m.test(raw))?.id ?? start;
  }
  // The buffer begins empty with each stream, and each block gives it to the client (WHATWG HTML 9.2.6).
  if (blocks.length === 0) return start;
  return blocks.findLast(({ id }) => id !== undefined)?.id ?? '';
}

/** Comes back with an id, and stays until the last event of each channel has come, or a gap has told of it. */
export async function comeBack(scene: Scene, lastEventId: string, has: readonly string[]): Promise<Buffer> {
  return record(scene.url, lastEventId, async (seen) => {
    if (scene.beginsAnew && lastEventId === scene.start) {
      for (const channel of scene.gaps ?? []) await seen(`{"channel":"${channel}"`);
    } else {
      for (const key of scene.last) if (!has.includes(key)) await seen(`"${key}"}\n\n`);
    }
  });
}

/**
 * Cuts a stream after each of its bytes, comes back with the id that the client then has, and holds both parts
 * against what was published.
 *
 * @returns one line for each cut after which something was lost, doubled, or not told
 */
export async function faultsOf(scene: Scene, kind: ClientKind, cutsAgain = 0): Promise<string[]> {
  const faults = new Map<string, string>();
  const tried = new Set<string>();
  for (let end = 0; end <= scene.bytes.length; end++) {
    const before = receive(scene.bytes.subarray(0, end), scene.start, kind);
    const state = JSON.stringify(before);
    // Within a block the client has what it had before it.
    if (tried.has(state)) continue;
    tried.add(state);
    const rest = await comeBack(scene, before.lastEventId, before.keys);
    const cut = `${tailOf(scene.bytes.subarray(0, end))}, back with ${JSON.stringify(before.lastEventId)}`;
    const fault = judge(scene, [before, receive(rest, before.lastEventId, kind)]);
    if (fault) faults.set(cut, fault);
    if (cutsAgain > 0) await cutAgain(scene, kind, { before, rest, cut, faults, every: cutsAgain });
  }
  return [...faults].map(([cut, fault]) => `cut after ${cut}: ${fault}`);
}

/** Cuts the second stream as well, after every nth byte. */
async function cutAgain(
  scene: Scene,
  kind: ClientKind,
  first: { before: Reception; rest: Buffer; cut: string; faults: Map<string, string>; every: number },
): Promise<void> {
  const { before, rest, cut, faults, every } = first;
  const tried = new Set<string>();
  for (let end = 0; end <= rest.length; end += every) {
    const second = receive(rest.subarray(0, end), before.lastEventId, kind);
    const state = JSON.stringify(second);
    if (tried.has(state)) continue;
    tried.add(state);
    const third = await comeBack(scene, second.lastEventId, [...before.keys, ...second.keys]);
    const fault = judge(scene, [before, second, receive(third, second.lastEventId, kind)]);
    const place = `${cut}, and then ${tailOf(rest.subarray(0, end))}, back with ${JSON.stringify(second.lastEventId)}`;
    if (fault) faults.set(place, fault);
  }
}

function judge(scene: Scene, parts: readonly Reception[]): string | undefined {
  const gaps = parts.flatMap((part) => part.gaps);
  const ledger = compare(
    scene.expected,
    parts.flatMap(({ keys }) => keys),
  );
  const told = (channel: string) => gaps.some((gap) => gap.channel === channel);
  const lost = ledger.lost.filter((key) => !(scene.maybeLost?.includes(key) && told(channelOf(key))));
  const untold = scene.gaps?.filter((channel) => !told(channel)) ?? [];
  const allowed = new Set([...(scene.gaps ?? []), ...(scene.maybeLost ?? []).map(channelOf)]);
  const undue = gaps.filter(({ channel }) => !allowed.has(channel));
  const problems = [
    ...lost.map((key) => `lost ${key}`),
    ...ledger.doubled.map((key) => `doubled ${key}`),
    ...ledger.foreign.map((key) => `foreign ${key}`),
    ...untold.map((channel) => `gap of ${channel} not told`),
    ...undue.map(({ channel }) => `gap of ${channel} without cause`),
    ...misordered(parts.flatMap(({ keys }) => keys)).map((key) => `out of order in its channel ${key}`),
  ];
  return problems.length > 0 ? problems.join(', ') : undefined;
}

/** Keys are `channel-number`: within a channel the numbers go up. */
function misordered(keys: readonly string[]): string[] {
  const newest = new Map<string, number>();
  return keys.filter((key) => {
    const number = Number(key.slice(key.lastIndexOf('-') + 1));
    const before = newest.get(channelOf(key)) ?? -1;
    newest.set(channelOf(key), Math.max(before, number));
    return number < before;
  });
}

function channelOf(key: string): string {
  return key.slice(0, key.lastIndexOf('-'));
}

function tailOf(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1').slice(-60));
}

/** A client whose stream is looked at until it has begun. */
export async function begin(url: string, lastEventId?: string): Promise<SseStream> {
  const stream = SseStream.open(url, { lastEventId });
  await stream.waitForBlock(({ id }) => id !== undefined);
  return stream;
}
