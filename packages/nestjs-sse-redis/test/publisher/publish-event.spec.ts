import { until } from '@nestjs-sse-redis/testing';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { encodeEvent } from '../../src/event/event-text.js';
import { failureOf, Hubs } from '../hub/hubs.js';
import { hostileStrings, hostileValues } from '../parsers/hostile-events.js';
import { CLUSTER_SCRIPT, keysOf, SCRIPT, toArguments, type ForeignEvent } from './foreign-publisher.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');
const INCLUDES = new URL('../../src/broker/redis/scripts/include/', import.meta.url);
const RUNS = 2_000;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start(hubs);
});

function evaluate(keys: readonly string[], event: ForeignEvent, script = SCRIPT): Promise<unknown> {
  return hubs.redis.cli('EVAL', script, ...toArguments(keys, event));
}

async function publish(channel: string, event: ForeignEvent, key?: string): Promise<string> {
  const options = [...(event.options ?? []), ...(key === undefined ? [] : ['key', key])];
  return (await evaluate(keysOf(channel, { prefix: scene.prefix, key }), { ...event, options })) as string;
}

const refusalOf = async (channel: string, event: ForeignEvent, key?: string): Promise<string> =>
  (await failureOf(publish(channel, event, key))).message;

/** The SSE text of the newest event of a channel. */
async function textIn(channel: string): Promise<{ flags: string; text: string }> {
  const log = `{${scene.prefix}}:log:${channel}`;
  const [entry] = (await hubs.redis.cli('XREVRANGE', log, '+', '-', 'COUNT', 1)) as [string, string[]][];
  const [, flags, text] = /^\d+ \d+ (\w+)\nid: \S+\n([^]*)$/.exec(entry![1][1]!)!;
  return { flags: flags!.replace('f', ''), text: text! };
}

const clock = () => hubs.redis.cli('HMGET', `{${scene.prefix}}:clock`, 'retention', 'maxLength', 'replid', 'forks', 'since'); // prettier-ignore

describe('publish-event.lua', () => {
  it.each<[string, ForeignEvent, unknown]>([
    ['JSON', { kind: 'json', type: 'article', data: '{"headline":"Hello"}' }, { headline: 'Hello' }],
    [
      'a text of several lines',
      { kind: 'text', data: 'one\ntwo\r\nthree\rfour\n' },
      'one\ntwo\nthree\nfour\n',
    ],
    ['JSON of several lines', { kind: 'json', data: '{\n  "a": [1,\r\n 2]\n}' }, { a: [1, 2] }],
    ['unicode', { kind: 'text', type: 'grüße', data: 'héllo 🙂 \u{10ffff}' }, 'héllo 🙂 \u{10ffff}'],
    ['line separators in JSON', { kind: 'json', data: '"a\u2028b\u2029c"' }, 'a\u2028b\u2029c'],
    ['line separators in a text', { kind: 'text', data: 'a\u2028b' }, 'a\u2028b'],
    ['an empty text', { kind: 'text', data: '' }, ''],
    ['a NUL', { kind: 'text', data: 'a\0b' }, 'a\0b'],
    ['900 KB', { kind: 'json', data: JSON.stringify('é'.repeat(450_000)) }, 'é'.repeat(450_000)],
  ])('publishes %s, under the id that it returns', async (_, event, data) => {
    const client = await scene.test.client(['news']);
    const listener = await scene.test.listener('news');
    const id = await publish('news', event);
    await until(() => listener.events.length === 1);
    const type = event.type && { type: event.type };
    expect(listener.events).toEqual([{ id, channel: 'news', ...type, data }]);
    const message = await client.waitFor((one) => one.type !== 'are-you-there');
    expect([message.id, message.type]).toEqual([id, event.type ?? 'message']);
    const { events } = await scene.test.hub.history('news');
    expect(events).toEqual(listener.events);
  });

  it('publishes in order with the hub and a publisher, and leaves the clock as hubs have it', async () => {
    const publisher = scene.publisher();
    const client = await scene.test.client(['news']);
    await scene.test.hub.publish('news', { data: 0 });
    const before = await clock();
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) {
      if (i % 3 === 0) ids.push(await publish('news', { kind: 'json', data: String(i) }));
      else ids.push((await [scene.test.hub, publisher][(i % 3) - 1]!.publish('news', { data: i })).id);
    }
    const [, ...messages] = await client.waitFor(31);
    expect(messages.map(({ id, data }) => [id, data])).toEqual(ids.map((id, i) => [id, String(i)]));
    expect(await clock()).toEqual(before);
  });

  it('publishes ephemeral events, which are kept nowhere', async () => {
    const listener = await scene.test.listener('news');
    const id = await publish('news', { kind: 'json', data: '1', options: ['ephemeral', '1'] });
    await until(() => listener.events.length === 1);
    expect(listener.ids).toEqual([id]);
    expect(await scene.test.dataIn('news')).toEqual([]);
  });

  it('publishes once with an idempotency key, the same as the hub', async () => {
    const event = { kind: 'json', data: '1' } as const;
    // The length in the name of the key is that of JavaScript.
    for (const channel of ['news', 'news:🙂é']) {
      const id = await publish(channel, event, 'k');
      expect(await publish(channel, event, 'k')).toBe(id);
      const { hub } = scene.test;
      expect(await hub.publish(channel, { data: 1 }, { idempotencyKey: 'k' })).toEqual({ id });
      const other = await hub.publish(channel, { data: 2 }, { idempotencyKey: 'other' });
      expect(await publish(channel, event, 'other')).toBe(other.id);
      expect(await scene.test.dataIn(channel)).toEqual([1, 2]);
    }
  });

  it('returns the id that clients received also of an event of an earlier line', async () => {
    const event = { kind: 'json', data: '1' } as const;
    const id = await publish('news', event, 'k');
    // As after a failover: another server wrote last.
    await hubs.redis.cli('HSET', `{${scene.prefix}}:clock`, 'replid', '0123456789');
    const next = await publish('news', event);
    expect(next).toMatch(/\.1$/);
    expect(await publish('news', event, 'k')).toBe(id);
    await until(async () => (await scene.test.dataIn('news')).length === 2);
    const { events } = await scene.test.hub.history('news');
    expect(events.map((one) => one.id)).toEqual([id, next]);
  });

  it('needs the rights that docs/publishing.md names, and no others', async () => {
    const page = readFileSync(new URL('../../../../docs/publishing.md', import.meta.url), 'utf8');
    const [, names] = /needs `~\{sse\}:\* resetchannels &\{sse\}:\*` and `([^`]+)`/.exec(page)!;
    const tag = `{${scene.prefix}}`;
    const rights = [`~${tag}:*`, 'resetchannels', `&${tag}:*`, ...names!.split(/\s+/)];
    await hubs.redis.cli('ACL', 'SETUSER', 'foreign', 'reset', 'on', '>pw', ...rights);
    const client = hubs.redis.client({ username: 'foreign', password: 'pw', enableReadyCheck: false });
    const sha = await client.call('SCRIPT', 'LOAD', SCRIPT);
    const event = { kind: 'json', data: '1', options: ['key', 'k'] } as const;
    const keys = keysOf('news', { prefix: scene.prefix, key: 'k' });
    for (let i = 0; i < 20; i++) {
      await client.call('EVALSHA', sha as string, ...toArguments(keys, event));
      await client.call('EVAL', SCRIPT, ...toArguments(keys.slice(0, 3), { kind: 'json', data: '1' }));
    }
    expect(await scene.test.dataIn('news')).toHaveLength(21);
  });

  it('keeps as many events as hubs do', async () => {
    const { prefix } = (scene = await Scene.start(hubs, { history: { maxLength: 100 } }));
    for (let i = 0; i < 300; i++) await publish('long', { kind: 'json', data: String(i) });
    expect(await hubs.redis.cli('XLEN', `{${prefix}}:log:long`)).toBeLessThanOrEqual(200);
  });
});

describe('publish-event.lua refuses, and stores nothing,', () => {
  const ok = { kind: 'json', data: '1' } as const;

  it.each<[string, ForeignEvent, RegExp]>([
    [
      'a type with a line end',
      { ...ok, type: 'a\nevent: b' },
      /^INVALID_EVENT the event type has a line end/,
    ],
    ['a type with CR', { ...ok, type: 'a\r' }, /^INVALID_EVENT the event type has a line end/],
    ['a type with NUL', { ...ok, type: 'a\0' }, /^INVALID_EVENT the event type has a line end or NUL/],
    [
      'a long type',
      { ...ok, type: 'é'.repeat(257) },
      /^INVALID_EVENT .*at most 256 characters, this one has 257/,
    ],
    ...(['open', 'error', 'position', 'gap', 'end', 'control'].map(
      (type) =>
        [`the type ${type}`, { ...ok, type }, /^INVALID_EVENT the event type "\w+" is taken/] as const,
    ) as [string, ForeignEvent, RegExp][]),
    ['what is no JSON', { kind: 'json', data: 'hello' }, /^INVALID_EVENT the data is not JSON/],
    ['empty JSON', { kind: 'json', data: '' }, /^INVALID_EVENT the data is not JSON/],
    [
      'another kind',
      { kind: 'xml' as 'json', data: '1' },
      /^INVALID_EVENT the kind of an event is json or text/,
    ],
    ['data that are not UTF-8', { kind: 'text', data: Buffer.from([0x61, 0xff]) }, /^INVALID_EVENT .*UTF-8/],
    ['more than a MiB', { kind: 'text', data: 'x'.repeat(1_048_577) }, /^PAYLOAD_TOO_LARGE .*1048577 bytes, the limit is 1048576/], // prettier-ignore
    ['more than the limit', { kind: 'text', data: 'éé', options: ['limit', '3'] }, /^PAYLOAD_TOO_LARGE .*4 bytes, the limit is 3/], // prettier-ignore
    ['an unknown option', { ...ok, options: ['ttl', '5'] }, /^INVALID_ARGUMENT there is no option "ttl"/],
    [
      'an option without a value',
      { ...ok, options: ['limit'] },
      /^INVALID_ARGUMENT the option limit has no value/,
    ],
    [
      'a window that is no number',
      { ...ok, options: ['window', '1e3'] },
      /^INVALID_ARGUMENT window takes a whole number/,
    ],
    [
      'an ephemeral that is neither',
      { ...ok, options: ['ephemeral', 'true'] },
      /^INVALID_ARGUMENT ephemeral takes 0 or 1/,
    ],
  ])('%s', async (_, event, words) => {
    expect(await refusalOf('news', event)).toMatch(words);
    expect(await scene.test.dataIn('news')).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['empty', '', /must not be empty/],
    ['long', 'x'.repeat(257), /at most 256 characters/],
    ['with a line end', 'a\nb', /control character/],
    ['with a C1 control character', 'a\u0085b', /control character/],
    ['of a missing value', 'user:undefined', /ends in what a missing value becomes/],
    ['of a null', 'user:null', /ends in what a missing value becomes/],
  ])('a channel name: %s', async (_, channel, words) => {
    const refusal = await refusalOf(channel, ok);
    expect(refusal).toMatch(/^INVALID_CHANNEL /);
    expect(refusal).toMatch(words);
  });

  it('names that do not belong together, and says which it wants', async () => {
    const { prefix } = scene;
    const [clockKey, log, live] = keysOf('news', { prefix }) as [string, string, string];
    const refusals = await Promise.all(
      [
        [log, log, live],
        [clockKey, `{other}:log:news`, live],
        [clockKey, log, `{${prefix}}:live:0:c:new`],
        [clockKey, log, `{${prefix}}:live:c:news`],
        [clockKey, log],
        [clockKey, log, live, `{${prefix}}:once:4:news:k`],
      ].map(async (keys) => (await failureOf(evaluate(keys, ok))).message.replaceAll(prefix, 'p')),
    );
    expect(refusals).toEqual([
      'INVALID_ARGUMENT KEYS[1] has to be {<prefix>}:clock',
      'INVALID_ARGUMENT KEYS[2] has to be {p}:log:<channel>',
      'INVALID_ARGUMENT KEYS[3] has to be {p}:live:0:c:news',
      'INVALID_ARGUMENT KEYS[3] has to be {p}:live:0:c:news',
      'INVALID_ARGUMENT KEYS[3] has to be {p}:live:0:c:news',
      'INVALID_ARGUMENT KEYS[4] goes with the option key',
    ]);
    const wrong = keysOf('é', { prefix }).concat(`{${prefix}}:once:2:é:k`);
    const { message } = await failureOf(evaluate(wrong, { ...ok, options: ['key', 'k'] }));
    expect(message).toBe(`INVALID_ARGUMENT KEYS[4] has to be {${prefix}}:once:1:é:k`);
  });

  it('a prefix that no hub has', async () => {
    const { message } = await failureOf(evaluate(keysOf('news', { prefix: 'nobody' }), ok));
    expect(message).toMatch(/^NO_HUB no hub has noted anything in \{nobody\}:clock/);
    expect(await hubs.redis.cli('KEYS', '{nobody}*')).toEqual([]);
  });

  it('a single Redis as a cluster', async () => {
    const keys = keysOf('news', { prefix: scene.prefix });
    const { message } = await failureOf(evaluate(keys, ok, CLUSTER_SCRIPT));
    expect(message).toMatch(/^WRONG_SCRIPT this is no Redis Cluster: run publish-event\.lua/);
  });

  it('an event that Redis refuses, with the words of Redis', async () => {
    await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 1);
    const refusal = await refusalOf('news', ok);
    await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 0);
    expect(refusal).toMatch(/^OOM /);
    expect(await scene.test.dataIn('news')).toEqual([]);
  });
});

describe('an event that a script of somebody else announces', () => {
  it('becomes two, or another type, where it takes the text as it is (negative control)', async () => {
    const naive = `local ms = redis.call('TIME')[1] * 1000 + 2000
      local record = string.format('%.0f 0 te\\nid: %.0f-0\\n', ms * 1024, ms)
      redis.call('PUBLISH', KEYS[1], record .. 'event: ' .. ARGV[1] .. '\\ndata: ' .. ARGV[2] .. '\\n\\n')`;
    const client = await scene.test.client(['news']);
    const [, , live] = keysOf('news', { prefix: scene.prefix });
    await hubs.redis.cli('EVAL', naive, 1, live!, 'a\nevent: b', 'x\n\ndata: y');
    const messages = await client.waitFor(2);
    expect(messages.map(({ type, data }) => [type, data])).toEqual([['b', 'x'], ['message', 'y']]); // prettier-ignore
  });

  it('stays one, with its data, by publish-event.lua', async () => {
    const client = await scene.test.client(['news']);
    await publish('news', { kind: 'text', type: 'a', data: 'x\n\ndata: y' });
    await publish('news', { kind: 'text', type: 'last', data: '' });
    const messages = await client.waitFor(2);
    expect(messages.map(({ type, data }) => [type, data])).toEqual([['a', 'x\n\ndata: y'], ['last', '']]); // prettier-ignore
  });
});

describe('the text that publish-event.lua makes of an event', () => {
  it('is what the hub makes of it', async () => {
    const types = fc.constantFrom(undefined, 'article', 'é🙂', ' x');
    await fc.assert(
      fc.asyncProperty(hostileValues, types, async (value, type) => {
        const kind = typeof value === 'string' ? 'text' : 'json';
        const data = typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value);
        // A lone surrogate, which UTF-8 cannot carry, becomes U+FFFD on the way of each.
        const event = { data: kind === 'text' ? data : value, ...(type && { type }) };
        const expected = encodeEvent(event, Infinity);
        await publish('fuzz', { kind, data, ...(type && { type }) });
        expect(await textIn('fuzz')).toEqual({ flags: expected.kind, text: expected.text });
      }),
      { numRuns: 500 },
    );
  });

  /** Calls a function of an include with one argument, for many texts. */
  async function call(name: string, parts: readonly string[], texts: readonly (string | Buffer)[]) {
    const includes = parts.map((part) => readFileSync(new URL(`${part}.lua`, INCLUDES), 'utf8')).join('\n');
    const script = `${includes}\nlocal r = {} for i, text in ipairs(ARGV) do r[i] = ${name}(text) and 1 or 0 end return r`;
    return (await hubs.redis.cli('EVAL', script, 0, ...texts)) as number[];
  }

  it('takes for JSON what JSON.parse takes', async () => {
    const fragments = fc.constantFrom(
      ...['"', '\\', '\\"', '\\u00', '\\u0041', '\n', '\t', '\0', '\x7f', ' ', '{', '}', '[', ']', ',', ':', '""', '"a"', 'é', '\u2028'],
      ...['0', '1', '01', '-', '-0', '+1', '.', '1.', '.5', '1.5', 'e', 'E', '1e5', '1e+05', '1E-0', '0x1', 'Infinity', 'NaN', 'nan'],
      ...['true', 'false', 'null', 'tru', 'True', '_', '//', '/* */', '\ufeff', '\u00a0'],
    ); // prettier-ignore
    const soup = fc.array(fragments, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''));
    const json = fc.oneof(
      fc.json({ stringUnit: 'binary' }),
      hostileStrings.map((text) => JSON.stringify(text)),
    );
    const damaged = fc.tuple(json, fc.nat(), fc.nat(3), fragments).map(([text, at, count, fragment]) => {
      const place = at % (text.length + 1);
      return (text.slice(0, place) + fragment + text.slice(place + count)).toWellFormed();
    });
    const texts = fc.sample(fc.oneof(soup, json, damaged), RUNS * 10);
    const verdicts = await call('isJson', ['json'], texts);
    const wrong = texts.filter((text, i) => isParsed(text) !== (verdicts[i] === 1));
    expect(wrong).toEqual([]);
    const count = verdicts.filter((verdict) => verdict === 1).length;
    expect(count).toBeGreaterThan(RUNS);
    expect(count).toBeLessThan(texts.length - RUNS);
  });

  it('takes for UTF-8 what a decoder takes, and counts as JavaScript does', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 8 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)),
      fc
        .array(
          fc.constantFrom(
            0x41,
            0x7f,
            0x80,
            0x8f,
            0x90,
            0x9f,
            0xa0,
            0xbf,
            0xc1,
            0xc2,
            0xdf,
            0xe0,
            0xe2,
            0xed,
            0xef,
            0xf0,
            0xf1,
            0xf4,
            0xf5,
          ),
        ) // prettier-ignore
        .map((array) => Buffer.from(array)),
    );
    const texts = fc.sample(bytes, RUNS * 10);
    const verdicts = await call('isUtf8', ['utf8'], texts);
    expect(texts.filter((text, i) => isDecoded(text) !== (verdicts[i] === 1))).toEqual([]);
    const whole = texts.filter(isDecoded);
    expect(whole.length).toBeGreaterThan(RUNS);
    const script = `${readFileSync(new URL('utf8.lua', INCLUDES), 'utf8')}\nlocal r = {} for i, text in ipairs(ARGV) do r[i] = lengthOf(text) end return r`;
    const lengths = await hubs.redis.cli('EVAL', script, 0, ...whole);
    expect(lengths).toEqual(whole.map((text) => text.toString().length));
  });

  it('holds up Redis for a moment only, with the largest data', async () => {
    const data = {
      ascii: 'x'.repeat(1_000_000),
      unicode: '€'.repeat(333_000),
      lines: 'x\r\n'.repeat(333_000),
      numbers: JSON.stringify(Array.from({ length: 140_000 }, (_, i) => i)),
      objects: JSON.stringify(
        Array.from({ length: 20_000 }, (_, i) => ({ id: i, name: `é${i}`, tags: ['a'] })),
      ),
    };
    const figures: string[] = [];
    for (const [name, text] of Object.entries(data)) {
      const kind = /^[[{]/.test(text) ? 'json' : 'text';
      await hubs.redis.cli('SLOWLOG', 'RESET');
      await hubs.redis.cli('CONFIG', 'SET', 'slowlog-log-slower-than', 0);
      await publish('large', { kind, data: text });
      await hubs.redis.cli('CONFIG', 'SET', 'slowlog-log-slower-than', -1);
      const log = (await hubs.redis.cli('SLOWLOG', 'GET', 20)) as [number, number, number, string[]][];
      const micros = log.find(([, , , [command]]) => command === 'EVAL')![2];
      figures.push(`${name} ${(micros / 1_000).toFixed(1)} ms`);
      expect(micros).toBeLessThan(10_000_000);
    }
    console.log(`a publish of 1 MB takes Redis: ${figures.join(', ')}`);
  });
});

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isDecoded(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
