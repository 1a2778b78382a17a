import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { freePort, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { RedisRefusedError, RedisUnavailableError } from 'nestjs-sse-redis';
import { Commands } from '../../src/broker/redis/commands.js';
import { certificate } from '../http/certificate.js';
import { failedStart, failureOf, Hubs } from '../hub/hubs.js';

const hubs = Hubs.over('redis');
let warnings: string[];

beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: unknown) => {
    warnings.push(String(text));
  });
});
afterEach(() => jest.restoreAllMocks());

const lostWarnings = (): string[] => warnings.filter((text) => text.startsWith('Lost Redis'));

/** The rights of the README, for a hub with a prefix of its own. */
async function createUser(...rights: string[]): Promise<string> {
  const name = `user-${randomUUID()}`;
  await hubs.redis.cli('ACL', 'SETUSER', name, 'on', '>pw', ...rights);
  return name;
}

const urlOf = (user: string, password = 'pw'): string =>
  `redis://${user}:${password}@127.0.0.1:${hubs.redis.port}`;

const README_RIGHTS = ['~{app}:*', 'resetchannels', '&{app}:*', '+@all', '-@admin', '-@dangerous', '+info'];

it('starts, publishes, delivers and registers with the rights that the README names', async () => {
  const user = await createUser(...README_RIGHTS);
  const test = await hubs.start({ redis: urlOf(user), prefix: 'app' });
  const client = await test.client(['news']);
  await test.hub.publish('news', { data: 1 }, { idempotencyKey: 'k' });
  await client.waitFor(1);
  expect(await test.dataIn('news')).toEqual([1]);
  expect(await test.hub.disconnect({ channel: 'news' })).toMatchObject({ unanswered: [] });
  await until(() => client.ended);
  expect(await test.hub.readiness()).toEqual({ ready: true, problems: [] });
});

it('starts and delivers over several shards with the rights that the README names for these', async () => {
  const base = README_RIGHTS.map((right) => right.replace('app', 'parts'));
  const rights = [...base, '~{parts:*}:*', '&{parts:*}:*'];
  const user = await createUser(...rights);
  const test = await hubs.start({ redis: urlOf(user), prefix: 'parts', shards: 3 });
  const channels = ['a', 'b', 'c', 'd'];
  const client = await test.client(channels);
  for (const channel of channels) await test.hub.publish(channel, { data: channel });
  await client.waitFor(channels.length);
  const one = await createUser(...base);
  const failure = await failureOf(hubs.start({ redis: urlOf(one), prefix: 'parts', shards: 3 }));
  expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  expect(String(failure)).toContain('~{parts}:* ~{parts:*}:* resetchannels &{parts}:* &{parts:*}:*');
});

it.each([
  ['channels', ['~*', '+@all', 'resetchannels'], /refused.*NOPERM.*channel.*&\{app\}:\*/],
  ['keys', ['~other:*', '&*', '+@all'], /refused.*NOPERM.*key.*~\{app\}:\*/],
  ['scripts', ['~*', '&*', '+@all', '-@scripting'], /refused.*NOPERM.*evalsha.*\+@all/],
  ['load scripts', ['~*', '&*', '+@all', '-script'], /refused.*NOPERM.*script.*\+@all/],
])('fails to start, and names the missing right, without a right to %s', async (_, rights, words) => {
  const user = await createUser(...rights);
  // Other tests have loaded them.
  await hubs.redis.cli('SCRIPT', 'FLUSH');
  const failure = await failureOf(hubs.start({ redis: urlOf(user), prefix: 'app' }));
  expect(failure).toBeInstanceOf(RedisRefusedError);
  expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  expect(failure.message).toMatch(words);
  expect((failure.cause as Error).message).toMatch(/NOPERM/);
});

it('names the reason in the error of the start where the password is wrong', async () => {
  const user = await createUser(...README_RIGHTS);
  const redis = urlOf(user, 'old');
  const failure = await failedStart(/WRONGPASS/, (connectTimeout) => hubs.start({ redis, connectTimeout }));
  expect(failure).toBeInstanceOf(RedisUnavailableError);
  expect(failure.message).toContain('WRONGPASS');
  expect((failure.cause as Error).message).toContain('WRONGPASS');
});

it('names the reason in errors, in readiness, and once at WARN, where the password was changed', async () => {
  const user = await createUser(...README_RIGHTS);
  const test = await hubs.start({ redis: urlOf(user), prefix: 'app' });
  await hubs.redis.cli('ACL', 'SETUSER', user, 'resetpass', '>new');
  await hubs.redis.cli('CLIENT', 'KILL', 'USER', user);
  const failure = await until(async () => {
    const error = await failureOf(test.hub.publish('news', { data: 1 }));
    return /WRONGPASS/.test(error.message) && error;
  });
  expect(failure).toBeInstanceOf(RedisUnavailableError);
  expect((failure.cause as Error).message).toContain('WRONGPASS');
  const { problems } = await test.hub.readiness();
  expect(problems.every((problem) => problem.includes('WRONGPASS'))).toBe(true);
  expect(problems).toHaveLength(2);
  const attempts = await wrongPasswords(user);
  await until(async () => (await wrongPasswords(user)) >= attempts + 4);
  expect(lostWarnings()).toEqual([expect.stringContaining('WRONGPASS')]);
  // Back with the old password: one more outage is one more warning.
  await hubs.redis.cli('ACL', 'SETUSER', user, '>pw');
  await until(async () => (await test.hub.readiness()).ready);
  expect(lostWarnings()).toHaveLength(1);
});

it('names the missing right in readiness, and once at WARN, where the channels are taken away later', async () => {
  const user = await createUser(...README_RIGHTS);
  const test = await hubs.start({ redis: urlOf(user), prefix: 'app' });
  await hubs.redis.cli('ACL', 'SETUSER', user, 'resetchannels');
  const failed = until(async () => {
    const { problems } = await test.hub.readiness();
    return problems.some((problem) => /NOPERM|No permissions/.test(problem));
  });
  await failed;
  await until(() => lostWarnings().length > 0);
  expect(await failureOf(test.hub.publish('news', { data: 1 }))).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  await hubs.redis.cli('ACL', 'SETUSER', user, '&{app}:*');
  await until(async () => (await test.hub.readiness()).ready);
  expect(warnings).toHaveLength(1);
  expect(lostWarnings()[0]).toMatch(/NOPERM|No permissions|closed/);
});

/** Each hub looks after its own lease and link: nobody publishes, connects or asks. */
const WATCHFUL = { prefix: 'app', probeInterval: 250, registry: { leaseTtl: 1_500 } };

it.each([
  ['scripts', ['-evalsha'], /refused.*evalsha/],
  ['keys', ['resetkeys', '~other:*'], /refused.*key/],
  ['publishing', ['-publish'], /refused.*(publish|run this command)/],
])(
  'names the missing right once at WARN, and in readiness, where the right to %s is taken away and nobody asks for anything',
  async (_, rights, words) => {
    const user = await createUser(...README_RIGHTS);
    const test = await hubs.start({ redis: urlOf(user), ...WATCHFUL });
    expect(warnings).toEqual([]);
    await hubs.redis.cli('ACL', 'SETUSER', user, ...rights);
    await until(() => warnings.length > 0);
    expect(warnings[0]).toMatch(words);
    expect(warnings[0]).toContain('~{app}:*');
    await until(async () => {
      const { problems } = await test.hub.readiness();
      return problems.some((problem) => problem.includes('not proven to arrive') && words.test(problem));
    });
    expect(warnings).toHaveLength(1);
    await hubs.redis.cli('ACL', 'SETUSER', user, ...README_RIGHTS);
    await until(async () => (await test.hub.readiness()).ready);
    expect(warnings).toHaveLength(1);
  },
);

it.each(['-publish', '-evalsha', 'resetkeys'])(
  'names the missing right at WARN, and in readiness, where the connections end with the right (%s)',
  async (right) => {
    const user = await createUser(...README_RIGHTS);
    const test = await hubs.start({ redis: urlOf(user), ...WATCHFUL });
    await hubs.redis.cli('ACL', 'SETUSER', user, right);
    await hubs.redis.cli('CLIENT', 'KILL', 'USER', user);
    const words = /NOPERM|No permissions|refused/;
    await until(() => warnings.some((text) => words.test(text)));
    await until(async () => (await test.hub.readiness()).problems.some((problem) => words.test(problem)));
    await hubs.redis.cli('ACL', 'SETUSER', user, ...README_RIGHTS);
    await until(async () => (await test.hub.readiness()).ready);
    expect(warnings.filter((text) => words.test(text))).toHaveLength(1);
  },
);

it('warns once of events that are refused, while what the hub publishes to itself is not', async () => {
  const user = await createUser(...README_RIGHTS);
  const test = await hubs.start({ redis: urlOf(user), ...WATCHFUL });
  await hubs.redis.cli('ACL', 'SETUSER', user, '-xadd');
  const { broker } = test.hub['node'].shards.home;
  for (let i = 0; i < 3; i++) {
    const failure = await failureOf(test.hub.publish('news', { data: 1 }));
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
    const { upOrProvenAt } = test.hub['node'].shards.home.feeds;
    await until(() => test.hub['node'].shards.home.feeds.upOrProvenAt > upOrProvenAt);
  }
  expect(broker.linkProblem).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/refused.*(xadd|run this command)/)]);
});

it('warns once of events that are refused since something else has the key of the log', async () => {
  const test = await hubs.start(WATCHFUL);
  await hubs.redis.cli('SET', '{app}:log:taken', 'x');
  for (let i = 0; i < 2; i++) {
    const failure = await failureOf(test.hub.publish('taken', { data: 1 }));
    expect(failure).toMatchObject({ code: 'REDIS_REFUSED' });
  }
  expect(warnings).toEqual([expect.stringContaining('WRONGTYPE')]);
});

it('refuses the start of a run at once, and asks no second time, where the right to its key is taken away', async () => {
  const user = await createUser(...README_RIGHTS);
  const test = await hubs.start({ redis: urlOf(user), prefix: 'app' });
  await hubs.redis.cli(
    'ACL',
    'SETUSER',
    user,
    'resetkeys',
    '~{app}:clock',
    '~{app}:tombstones',
    '~{app}:reg2:*',
  );
  const refuse = jest.spyOn(Commands.prototype, 'refuse');
  const failure = await failureOf(test.hub.run('answer', () => ['a']));
  expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  expect(refuse).toHaveBeenCalledTimes(1);
});

describe('the error of the start', () => {
  const startWith = (redis: string, words: RegExp) =>
    failedStart(words, (connectTimeout) => hubs.start({ redis, connectTimeout }));

  /** Starts a server of TLS, whose certificate nobody trusts. @returns its port */
  async function startTlsServer(): Promise<number> {
    const server = createServer(certificate, (socket) => socket.on('error', () => {}));
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    hubs.closeLater(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  it('names the reason where the certificate is not trusted', async () => {
    const words = /could not be reached within \d+ ms \(.*self-signed certificate/;
    const failure = await startWith(`rediss://127.0.0.1:${await startTlsServer()}`, words);
    expect(failure.message).toMatch(words);
    expect((failure.cause as Error).message).toContain('self-signed certificate');
  });

  it('asks for rediss:// where the server takes TLS alone', async () => {
    const words = /could not be reached .* TLS alone, as many hosted ones do, needs rediss:/;
    const { message } = await startWith(`redis://127.0.0.1:${await startTlsServer()}`, words);
    expect(message).toMatch(words);
  });

  it('asks for redis:// where the server speaks no TLS', async () => {
    const words = /could not be reached .* no TLS takes redis:.* in place of rediss:/;
    const { message } = await startWith(`rediss://127.0.0.1:${hubs.redis.port}`, words);
    expect(message).toMatch(words);
  });

  it('says nothing of TLS where nothing listens', async () => {
    const { message } = await startWith(`redis://127.0.0.1:${await freePort()}`, /ECONNREFUSED/);
    expect(message).toMatch(/ECONNREFUSED/);
    expect(message).not.toMatch(/TLS/);
  });
});

it('warns once, with the reason, of an outage with many attempts', async () => {
  const proxy = await TcpProxy.start({ target: hubs.redis.port });
  hubs.closeLater(() => proxy.stop());
  const test = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}` });
  await proxy.refuse(true);
  proxy.cut();
  await until(async () =>
    (await failureOf(test.hub.publish('a', { data: 1 }))).message.includes('ECONNREFUSED'),
  );
  await until(() => lostWarnings().length > 0);
  await proxy.refuse(false);
  await until(async () => (await test.hub.readiness()).ready);
  expect(lostWarnings()).toEqual([expect.stringMatching(/ECONNRE(FUSED|SET)/)]);
});

describe('redisCredentials', () => {
  it('gives each new connection the password of the day: a rotation needs no restart', async () => {
    const user = await createUser(...README_RIGHTS);
    let password = 'pw';
    let asked = 0;
    const test = await hubs.start({
      redis: hubs.redis.url,
      prefix: 'app',
      redisCredentials: async () => {
        asked++;
        return await Promise.resolve({ username: user, password });
      },
    });
    const client = test.reconnectingClient(['news']);
    await until(() => client.lastEventId !== '');
    expect(asked).toBe(2);
    const { id } = await test.hub.publish('news', { type: 'tick', data: 1 });
    password = 'new';
    await hubs.redis.cli('ACL', 'SETUSER', user, 'resetpass', '>new');
    await hubs.redis.cli('CLIENT', 'KILL', 'USER', user);
    const publish = () => test.hub.publish('news', { type: 'tick', data: 2 }, { idempotencyKey: '2' });
    const second = await until(publish);
    await client.waitForEvents(2);
    expect(client.eventIds).toEqual([id, second.id]);
    await until(async () => (await test.hub.readiness()).ready);
    expect(asked).toBeGreaterThanOrEqual(4);
  });

  it('is asked again after it failed, with its error named in the meantime', async () => {
    const user = await createUser(...README_RIGHTS);
    let fails = false;
    const test = await hubs.start({
      redis: hubs.redis.url,
      prefix: 'app',
      redisCredentials: () => {
        if (fails) throw new Error('the vault is sealed');
        return { username: user, password: 'pw' };
      },
    });
    fails = true;
    await hubs.redis.cli('CLIENT', 'KILL', 'USER', user);
    const failure = await until(async () => {
      const error = await failureOf(test.hub.publish('news', { data: 1 }));
      return /the vault is sealed/.test(error.message) && error;
    });
    expect(failure.cause).toMatchObject({ code: 'REDIS_CREDENTIALS', name: 'RedisCredentialsError' });
    expect((await test.hub.readiness()).problems.join()).toContain('the vault is sealed');
    fails = false;
    await until(async () => (await test.hub.readiness()).ready);
    expect(lostWarnings()).toEqual([expect.stringContaining('the vault is sealed')]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no')), /redisCredentials failed: no/],
    ['has no password', () => ({}) as { password: string }, /did not return \{ username\?, password \}/],
    ['never answers', () => new Promise<never>(() => {}), /could not be reached/],
  ])('fails the start, in time, where the provider %s', async (_, redisCredentials, words) => {
    const failure = await failedStart(words, (connectTimeout) =>
      hubs.start({ redis: hubs.redis.url, redisCredentials, connectTimeout }),
    );
    expect(failure).toBeInstanceOf(RedisUnavailableError);
    expect(failure.message).toMatch(words);
  });
});

/** How often Redis refused the password of a user. */
async function wrongPasswords(user: string): Promise<number> {
  const log = (await hubs.redis.cli('ACL', 'LOG')) as unknown[][];
  return log
    .map((entry) => Object.fromEntries(pairs(entry)) as Record<string, unknown>)
    .filter(({ reason, username }) => reason === 'auth' && username === user)
    .reduce((sum, { count }) => sum + Number(count), 0);
}

/** A map is a flat list in RESP2, and an object in RESP3. */
function pairs(entry: object): [string, unknown][] {
  if (!Array.isArray(entry)) return Object.entries(entry);
  return Array.from({ length: entry.length / 2 }, (_, i) => [String(entry[2 * i]), entry[2 * i + 1]]);
}
