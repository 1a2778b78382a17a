import { jest } from '@jest/globals';
import { Acknowledged } from '../../src/delivery/losses/acknowledged.js';

const SECOND = 1_000;
const fork = { from: 50, began: 250, line: 1, serverStart: '' };
let now = 1e12;
let acknowledged: Acknowledged;

beforeEach(() => {
  acknowledged = new Acknowledged();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

function noteAfter(seconds: number, channel: string, position: number, line = 0): void {
  now += seconds * SECOND;
  acknowledged.note(channel, position, line);
}
const lost = () => Object.fromEntries(acknowledged.takeLost([fork]));

it('remembers what was acknowledged within 30 seconds, whatever else came', () => {
  noteAfter(0, 'x', 100);
  noteAfter(29, 'a', 101);
  noteAfter(2, 'b', 102);
  noteAfter(1, 'c', 300, 1);
  expect(lost()).toEqual({ x: 100, a: 101, b: 102 });
});

it('forgets what is older than a minute', () => {
  noteAfter(0, 'x', 100);
  noteAfter(45, 'y', 101);
  noteAfter(45, 'z', 102);
  noteAfter(31, 'a', 103);
  expect(lost()).not.toHaveProperty('x');
});

it('keeps the newest of a channel, and names it once', () => {
  noteAfter(0, 'x', 120);
  noteAfter(0, 'x', 100);
  noteAfter(31, 'x', 110);
  expect(lost()).toEqual({ x: 120 });
  expect(lost()).toEqual({});
});

it('names nothing that the present line has', () => {
  noteAfter(0, 'x', 40);
  noteAfter(0, 'y', 300, 1);
  expect(lost()).toEqual({});
});
