import { RedisServer } from '@nestjs-sse-redis/testing';
import { readFileSync } from 'node:fs';

const POSITION_LUA = readFileSync(
  new URL('../../src/broker/redis/scripts/include/position.lua', import.meta.url),
  'utf8',
);
const PRINT =
  "local n = tonumber(ARGV[1]) return { string.format(WHOLE, n), toId(n), isWide and 'wide' or 'narrow' }";
/** As where a `long` of C has 32 bits. */
const NARROW = POSITION_LUA.replace("== '1099511627776'", "== '0'");

let server: RedisServer;
beforeAll(async () => (server = await RedisServer.start()));
afterAll(() => server.stop());

it.each([
  ['%d', POSITION_LUA, 'wide'],
  ['%.0f, where %d has 32 bits', NARROW, 'narrow'],
])('positions of now and of the year 2248 are whole in text by %s', async (_, lua, width) => {
  const print = (position: number) => server.cli('EVAL', `${lua}\n${PRINT}`, 0, position);
  expect(await print(1_796_022_432_077 * 1024 + 5)).toEqual(['1839126970446853', '1796022432077-5', width]);
  expect(await print(2 ** 53 - 1)).toEqual([String(2 ** 53 - 1), '8796093022207-1023', width]);
});
