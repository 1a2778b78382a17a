import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
// Sends the log of the package to Nest.
import 'nestjs-sse-redis';
import { createDefaultIdentify } from '../../src/options/default-identify.js';

let warnings: string[];

beforeEach(() => {
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((text: unknown) => void warnings.push(String(text)));
});
afterEach(() => jest.restoreAllMocks());

it('takes a client whose user has the id null for nobody, and warns of nothing', () => {
  expect(createDefaultIdentify()({ user: { id: null, guest: true } })).toBeNull();
  expect(warnings).toEqual([]);
});

it.each([
  [{ id: undefined, accountId: 5 }, /it has accountId/],
  [{ userId: null }, /it has userId.*user\?\.userId /],
])('warns once of the user %j', (user, words) => {
  const identify = createDefaultIdentify();
  identify({ user });
  identify({ user });
  expect(warnings).toEqual([expect.stringMatching(words)]);
});

it('warns where the id has another name, and the class of the user declares an id without a value', () => {
  const user = { id: undefined, userId: undefined, sub: 'ann' };
  expect(createDefaultIdentify()({ user })).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/has no id \(it has userId, sub\).*user\?\.sub /)]);
});

it('reads no field that is not the name of an id', () => {
  const orders = jest.fn();
  const user = Object.defineProperty({ name: 'ann' }, 'orders', { get: orders, enumerable: true });
  expect(createDefaultIdentify()({ user })).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/has no id \(it has name, orders\)/)]);
  expect(orders).not.toHaveBeenCalled();
});
