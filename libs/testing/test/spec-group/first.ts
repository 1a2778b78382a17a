import { describeHere, log } from './shared.js';

beforeEach(() => void log.push('first: before'));

describeHere('of the first', () => {
  it('runs', () => {
    log.push('first: test');
    expect(true).toBe(true);
  });
});
