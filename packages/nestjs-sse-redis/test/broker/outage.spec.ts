import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { deferred, until, type Deferred } from '@nestjs-sse-redis/testing';
import { RedisRefusedError, type RedisRefusalCode } from 'nestjs-sse-redis';
import { Outage } from '../../src/broker/redis/outage.js';

let leaving: Deferred<void>[];
let outage: Outage;

beforeEach(() => {
  for (const level of ['log', 'warn'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue();
  leaving = [];
  outage = new Outage('redis:6379', () => {
    const closed = deferred();
    leaving.push(closed);
    return closed.promise;
  });
});
afterEach(() => {
  outage.stop();
  jest.restoreAllMocks();
});

const refuse = (code: RedisRefusalCode) =>
  outage.refused(new RedisRefusedError('refused', { code, cause: undefined }));

it('goes on searching for the master, whatever still comes over connections that are being left', async () => {
  refuse('REDIS_READONLY');
  await until(() => leaving.length === 1);
  outage.accepted();
  outage.over();
  expect(outage.isReconnecting).toBe(true);
  expect(outage.cause).toBeDefined();

  leaving[0]!.resolve();
  await until(() => {
    outage.accepted();
    return !outage.isReconnecting;
  });
});

it('makes no further connections while the present ones are being left', async () => {
  refuse('REDIS_READONLY');
  await until(() => leaving.length === 1);
  refuse('REDIS_MOVED');
  outage.moved('another master');
  expect(leaving).toHaveLength(1);

  leaving[0]!.resolve();
  await until(() => {
    refuse('REDIS_READONLY');
    return leaving.length === 2;
  });
});

it('ends the search at a node whose slot is on its way, since only the owner answers so', async () => {
  refuse('REDIS_MOVED');
  await until(() => leaving.length === 1);
  leaving[0]!.resolve();
  await until(() => {
    refuse('REDIS_MIGRATING');
    return !outage.isReconnecting;
  });
});

it('names the reason of the outage, and not what ioredis says of its queue, where a subscription was not sent', () => {
  const unsent = new Error("Stream isn't writeable and enableOfflineQueue options is false");
  expect(outage.unavailable(unsent).message).not.toContain('enableOfflineQueue');
  outage.failed(new Error('connect ECONNREFUSED'));
  const failure = outage.unavailable(unsent);
  expect(failure.message).toContain('(connect ECONNREFUSED)');
  expect(failure.cause).toBe(outage.cause);
  expect(outage.unavailable(new Error('read ECONNRESET')).message).toContain('(read ECONNRESET)');
});

describe('a refusal that lasts', () => {
  let warnings: string[];
  const refused = (words: string, code: RedisRefusalCode = 'REDIS_FORBIDDEN') =>
    outage.refused(new RedisRefusedError(`Redis refused: ${words}`, { code, cause: new Error(words) }));

  beforeEach(() => {
    warnings = [];
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((text: unknown) => void warnings.push(String(text)));
    outage.begin();
  });

  it('is the reason of an outage that began with another one, and is at WARN', () => {
    outage.lost();
    outage.failed(new Error('connect ECONNREFUSED'));
    refused('NOPERM evalsha');
    expect(outage.problem).toContain('NOPERM evalsha');
    expect(warnings).toEqual([
      expect.stringContaining('ECONNREFUSED'),
      expect.stringContaining('NOPERM evalsha'),
    ]);
  });

  it('is in the one WARN of the outage where that has no other reason', () => {
    outage.lost();
    refused('NOPERM evalsha');
    refused('NOPERM evalsha');
    expect(warnings).toEqual([expect.stringMatching(/^Lost Redis.*NOPERM evalsha/)]);
  });

  it('is at WARN once for each of its reasons', () => {
    for (const words of ['NOPERM xadd', 'NOPERM evalsha', 'NOPERM xadd']) refused(words);
    expect(warnings).toEqual([
      expect.stringContaining('NOPERM xadd'),
      expect.stringContaining('NOPERM evalsha'),
    ]);
  });

  it('is no reason of an outage where it is of one key, and none once the link is proven', () => {
    refused('WRONGTYPE', 'REDIS_REFUSED');
    expect(outage.problem).toBeUndefined();
    refused('NOPERM evalsha');
    expect(outage.problem).toBe('Redis refused: NOPERM evalsha');
    outage.over();
    expect(outage.problem).toBeUndefined();
    outage.lost();
    refused('WRONGTYPE', 'REDIS_REFUSED');
    expect(outage.cause).toBeUndefined();
  });
});
