import { Test } from '@nestjs/testing';
import { InvalidOptionsError, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { messageFor, resolve } from './resolve-options.js';

const MAX_TIMER = 2_147_483_647;
const DAY = 86_400_000;

/** Every option that is a number, its default, and the least and the most that it takes. */
const numbers = [
  { path: 'history.maxLength', resolved: 'maxLength', fallback: 1_000, min: 1, max: 1_000_000 },
  { path: 'history.ttl', resolved: 'ttl', fallback: 3_600_000, min: 1_000, max: 365 * DAY },
  { path: 'heartbeatInterval', resolved: 'heartbeatInterval', fallback: 20_000, min: 100, max: MAX_TIMER },
  { path: 'retry', resolved: 'retry', fallback: 2_000, min: 1, max: DAY },
  {
    path: 'limits.channelsPerConnection',
    resolved: 'channelsPerConnection',
    fallback: 1_000,
    min: 1,
    max: 100_000,
  },
  { path: 'limits.metadataBytes', resolved: 'metadataBytes', fallback: 4_096, min: 0, max: 65_536 },
  { path: 'limits.payloadBytes', resolved: 'payloadBytes', fallback: 1_048_576, min: 1, max: 268_435_456 },
  { path: 'limits.bufferedBytes', resolved: 'bufferedBytes', fallback: 65_536, min: 1, max: 1_073_741_824 },
  { path: 'stallTimeout', resolved: 'stallTimeout', fallback: 60_000, min: 10, max: MAX_TIMER },
  { path: 'drain.timeout', resolved: 'drainTimeout', fallback: 5_000, min: 0, max: MAX_TIMER },
  { path: 'drain.runs', resolved: 'drainRuns', fallback: 0, min: 0, max: MAX_TIMER },
  { path: 'drain.retry', resolved: 'drainRetry', fallback: 2_000, min: 1, max: DAY },
  { path: 'maxConnectionAge', resolved: 'maxConnectionAge', fallback: 3_600_000, min: 0, max: MAX_TIMER },
  { path: 'registry.leaseTtl', resolved: 'leaseTtl', fallback: 15_000, min: 100, max: MAX_TIMER },
  { path: 'registry.sweepInterval', resolved: 'sweepInterval', fallback: 5_000, min: 20, max: MAX_TIMER },
  {
    path: 'authorization.interval',
    resolved: 'authorizationInterval',
    fallback: 60_000,
    min: 100,
    max: MAX_TIMER,
  },
  { path: 'publishTimeout', resolved: 'publishTimeout', fallback: 5_000, min: 1, max: MAX_TIMER },
  { path: 'connectTimeout', resolved: 'connectTimeout', fallback: 5_000, min: 1, max: MAX_TIMER },
  { path: 'probeInterval', resolved: 'probeInterval', fallback: 5_000, min: 10, max: MAX_TIMER },
  { path: 'auditInterval', resolved: 'auditInterval', fallback: 30_000, min: 30, max: MAX_TIMER },
  { path: 'idempotencyWindow', resolved: 'idempotencyWindow', fallback: 600_000, min: 1, max: 365 * DAY },
];

/** `{ history: { ttl: value } }` of `history.ttl`, with what else it takes to be allowed. */
function withOption(path: string, value: unknown): object {
  const [name, inner] = path.split('.') as [string, string?];
  const option = { [name]: inner ? { [inner]: value } : value };
  // These bear upon one another, which is a rule of its own.
  if (path === 'history.ttl') return { heartbeatInterval: 100, probeInterval: 10, ...option };
  if (['heartbeatInterval', 'probeInterval', 'auditInterval'].includes(path)) {
    return { history: { ttl: Math.min(365 * DAY, 3 * MAX_TIMER) }, ...option };
  }
  return option;
}

describe.each(numbers)('the option $path', ({ path, resolved, fallback, min, max }) => {
  it('has its default', () => {
    expect(resolve({})[resolved]).toBe(fallback);
    expect(resolve(withOption(path, undefined))[resolved]).toBe(fallback);
  });

  it.each([min, max])('takes %d', (value) => {
    expect(resolve(withOption(path, value))[resolved]).toBe(value);
  });

  it.each([
    ['less', min - 1, String(min - 1)],
    ['more', max + 1, String(max + 1)],
    ['a fraction', min + 0.5, String(min + 0.5)],
    ['NaN', NaN, 'NaN'],
    ['Infinity', Infinity, 'Infinity'],
    ['a string', '5000', '"5000"'],
    ['a word', 'soon', '"soon"'],
    ['a boolean', true, 'true'],
    ['an array', [5_000], 'an array'],
    ['an object', {}, 'an object'],
    ['null', null, 'null'],
  ])('refuses %s, and says what it got and what it takes', (_name, value, shown) => {
    const message = messageFor(withOption(path, value));
    expect(message).toContain(`${path} takes a whole number from ${min} to ${max}, it got ${shown}`);
  });
});

describe('the options', () => {
  it('may all be left out', () => {
    expect(resolve({})).toEqual({
      redis: undefined,
      replicas: 0,
      prefix: 'sse',
      identify: expect.any(Function) as () => unknown,
      connections: Infinity,
      connectionsPerUser: Infinity,
      connectionsPerAddress: Infinity,
      onLimit: 'refuse',
      authorize: undefined,
      channels: [],
      onRefusal: 'channel',
      serialize: undefined,
      shards: 1,
      directWrites: true,
      idle: 'normal',
      ...Object.fromEntries(numbers.map(({ resolved, fallback }) => [resolved, fallback])),
    });
    expect(resolve(undefined)).toEqual({ ...resolve({}), identify: expect.any(Function) as () => unknown });
  });

  it.each([
    ['null', null, 'null'],
    ['a URL', 'redis://:secret@localhost', 'a string'],
    ['an array', [], 'an array'],
    ['a number', 5, '5'],
  ])('are an object, and not %s', (_name, options, shown) => {
    const message = messageFor(options);
    expect(message).toMatch(/^SseRedisModule takes an options object/);
    expect(message).toMatch(new RegExp(`it got ${shown}\\.$`));
    expect(message).not.toContain('secret');
  });

  it.each(['url', 'Redis', 'heartbeat', 'ttl', 'constructor', '__proto__x', ''])(
    'are these, and not %j',
    (name) => {
      const message = messageFor({ [name]: 1 });
      expect(message).toContain(`there is no option "${name}"`);
      // It says which there are.
      for (const { path } of numbers) expect(message).toContain(path.split('.')[0]!);
      expect(message).toContain('identify');
    },
  );

  it.each([
    ['history', 'maxlength', ['maxLength', 'ttl']],
    [
      'limits',
      'payload',
      [
        'connections',
        'connectionsPerUser',
        'connectionsPerAddress',
        'onLimit',
        'channelsPerConnection',
        'metadataBytes',
        'payloadBytes',
        'bufferedBytes',
      ],
    ],
    ['drain', 'retryAfter', ['timeout', 'runs', 'retry']],
  ])('have in %s no %j', (group, name, known) => {
    expect(messageFor({ [group]: { [name]: 1 } })).toContain(
      `there is no option "${group}.${name}" (there are ${known.join(', ')})`,
    );
  });

  it.each(['history', 'limits', 'drain'])('have in %s an object', (group) => {
    for (const value of [5, 'x', null, [], true]) {
      expect(messageFor({ [group]: value })).toMatch(new RegExp(`${group} takes an object with .*, it got `));
    }
    expect(() => resolve({ [group]: {} })).not.toThrow();
    expect(() => resolve({ [group]: undefined })).not.toThrow();
  });

  it.each(['a', 'sse', 'my-app:sse', 'x'.repeat(128), 'préfixe', '🙂'])('take the prefix %j', (prefix) => {
    expect(resolve({ prefix })['prefix']).toBe(prefix);
  });

  it.each([
    ['', '""'],
    ['x'.repeat(129), '"xxx'],
    ['a b', '"a b"'],
    ['a\nb', '"a\\nb"'],
    ['{a}', '"{a}"'],
    ['a}', '"a}"'],
    [5, '5'],
    [null, 'null'],
    [{}, 'an object'],
  ])('refuse the prefix %j', (prefix, shown) => {
    const message = messageFor({ prefix });
    expect(message).toContain(
      'prefix takes 1 to 128 characters other than white space, "{" and "}", it got ',
    );
    expect(message).toContain(shown);
  });

  it.each([5, 'request.user', null, {}])('refuse for identify %j', (identify) => {
    expect(messageFor({ identify })).toMatch(/identify takes a function \(request\) => user id, it got /);
  });

  it.each([5, 'instanceToPlain', null, {}, Promise.resolve()])('refuse for serialize %p', (serialize) => {
    expect(messageFor({ serialize })).toMatch(
      /serialize takes a function \(data, \{ channel \}\) => data, it got /,
    );
  });

  it('take for serialize a function, and keep it as it is', () => {
    const serialize = (data: unknown) => data;
    expect(resolve({ serialize })['serialize']).toBe(serialize);
  });

  it('know the user of a request, by default', () => {
    const identify = resolve({})['identify'] as (request: unknown) => unknown;
    expect(identify({ user: { id: 7 } })).toBe(7);
    expect(identify({ user: undefined })).toBeUndefined();
    expect(identify({})).toBeUndefined();
  });

  it('must let the position of a quiet client be renewed within the retention', () => {
    const rule =
      /history\.ttl \(1000\) must be at least twice heartbeatInterval \((\d+)\) and probeInterval \((\d+)\)/;
    const history = { ttl: 1_000 };
    expect(messageFor({ history })).toMatch(rule);
    expect(messageFor({ history, heartbeatInterval: 501, probeInterval: 100 })).toMatch(rule);
    expect(messageFor({ history, heartbeatInterval: 100, probeInterval: 501 })).toMatch(rule);
    expect(() => resolve({ history, heartbeatInterval: 500, probeInterval: 500 })).not.toThrow();
  });

  it('must let lost announcements be found while their events are retained', () => {
    const short = { history: { ttl: 1_000 }, heartbeatInterval: 500, probeInterval: 100 };
    expect(messageFor({ ...short, auditInterval: 501 })).toMatch(
      /history\.ttl \(1000\) must be at least twice auditInterval \(501\)/,
    );
    expect(resolve({ ...short, auditInterval: 500 })).toMatchObject({ auditInterval: 500 });
    expect(resolve(short)).toMatchObject({ auditInterval: 500 });
  });

  it('are all complained of in one message', () => {
    const message = messageFor({
      redis: 5,
      prefix: '',
      retry: -1,
      history: { ttl: 'long', size: 1 },
      limits: { payloadBytes: 0 },
      drain: 7,
      identify: 'me',
      colour: 'red',
    });
    for (const name of [
      'redis takes',
      'prefix takes',
      'retry takes',
      'history.ttl takes',
      '"history.size"',
      'limits.payloadBytes takes',
      'drain takes',
      'identify takes',
      '"colour"',
    ]) {
      expect(message).toContain(name);
    }
    expect(message).toMatch(/^SseRedisModule cannot start with these options: /);
  });

  it.each([
    ['forRoot', (options: SseRedisOptions) => SseRedisModule.forRoot(options)],
    [
      'forRootAsync',
      (options: SseRedisOptions) => SseRedisModule.forRootAsync({ useFactory: () => options }),
    ],
  ])('are checked when the application is made with %s', async (_name, importWith) => {
    const bad = Test.createTestingModule({ imports: [importWith({ retry: -1 })] });
    await expect(bad.compile()).rejects.toThrow(InvalidOptionsError);
    const good = await Test.createTestingModule({ imports: [importWith({ retry: 1 })] }).compile();
    await good.close();
  });

  it.each([undefined, null, 'redis://localhost'])(
    'are refused where a factory returns %p',
    async (returned) => {
      const useFactory = () => returned as unknown as SseRedisOptions;
      const bad = Test.createTestingModule({ imports: [SseRedisModule.forRootAsync({ useFactory })] });
      await expect(bad.compile()).rejects.toThrow(/takes an options object/);
    },
  );
});

describe.each(['connections', 'connectionsPerUser', 'connectionsPerAddress'])('limits.%s', (name) => {
  it('is no limit by default, or Infinity', () => {
    expect(resolve({})[name]).toBe(Infinity);
    expect(resolve({ limits: { [name]: Infinity } })[name]).toBe(Infinity);
  });

  it('takes a whole number from 1', () => {
    expect(resolve({ limits: { [name]: 1 } })[name]).toBe(1);
    for (const value of [0, -1, 1.5, NaN, '10', null]) {
      expect(messageFor({ limits: { [name]: value } })).toContain(
        `limits.${name} takes a whole number from 1`,
      );
    }
  });
});

it('drain.retry is retry where it is not given', () => {
  expect(resolve({ retry: 700 }).drainRetry).toBe(700);
  expect(resolve({ retry: 700, drain: { retry: 50 } }).drainRetry).toBe(50);
});

describe('authorize', () => {
  it.each([[() => true], [{ news: true, 'room:{room}': 'user', 'order:{id}': () => true }]])(
    'takes %p',
    (authorize) => {
      expect(resolve({ authorize }).authorize).toBe(authorize);
    },
  );

  it.each([
    [true, 'authorize takes a function'],
    ['news', 'authorize takes a function'],
    [['news'], 'authorize takes a function'],
    [{ news: false }, `authorize["news"] takes true, 'user' or a function`],
    [{ '': true }, 'which is empty'],
    [{ 'a:{}': true }, 'in whose braces is no name'],
    [{ 'a:{x-y}': true }, 'in whose braces is no name'],
    [{ 'a:{x}:{x}': true }, 'in which a name stands twice'],
    [{ 'a:{x': true }, 'in which a brace is left over'],
  ])('does not take %j', (authorize, message) => {
    expect(messageFor({ authorize })).toContain(message);
  });

  it('takes a refusal to cost the channel, or the connection', () => {
    expect(resolve({}).onRefusal).toBe('channel');
    expect(resolve({ authorization: { onRefusal: 'connection' } }).onRefusal).toBe('connection');
    expect(messageFor({ authorization: { onRefusal: 'all' } })).toContain(
      `authorization.onRefusal takes 'channel' or 'connection', it got "all"`,
    );
  });
});

describe('the option idle', () => {
  it("takes 'normal' or 'cheap'", () => {
    expect(resolve({ idle: 'cheap' }).idle).toBe('cheap');
    expect(messageFor({ idle: true })).toContain("idle takes 'normal' or 'cheap', it got true");
  });
});

describe('limits.onLimit', () => {
  it('takes a newcomer to be refused, or to replace the oldest', () => {
    expect(resolve({}).onLimit).toBe('refuse');
    expect(resolve({ limits: { onLimit: 'replace-oldest' } }).onLimit).toBe('replace-oldest');
    expect(messageFor({ limits: { onLimit: 'replace' } })).toContain(
      `limits.onLimit takes 'refuse' or 'replace-oldest', it got "replace"`,
    );
  });
});

describe('the option redisCredentials', () => {
  it('takes a function, beside the option redis', () => {
    const redisCredentials = (): { password: string } => ({ password: 'p' });
    expect(resolve({ redis: 'redis://localhost', redisCredentials })).toMatchObject({ redisCredentials });
    expect(messageFor({ redisCredentials })).toContain('redisCredentials needs the option redis');
    expect(messageFor({ redis: 'redis://localhost', redisCredentials: 'secret' })).toContain(
      'redisCredentials takes a function () => { username?, password }',
    );
  });
});
