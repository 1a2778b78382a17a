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

it.each([{ id: null }, { id: undefined, guest: true }])(
  'takes a client with the user %j for nobody, and warns of nothing',
  (user) => {
    expect(createDefaultIdentify()({ user })).toBe(user.id);
    expect(warnings).toEqual([]);
  },
);

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
