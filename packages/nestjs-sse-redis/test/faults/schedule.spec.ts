import { FAULT_NAMES } from './faults.js';
import { makeSchedule } from './schedule.js';

describe('the schedules', () => {
  it('are the same for the same seed', () => {
    expect(makeSchedule(42)).toEqual(makeSchedule(42));
    expect(makeSchedule(42)).not.toEqual(makeSchedule(43));
  });

  it.each([0, 777, 123_456])('cause every fault at least 20 times in 200 from seed %d on', (first) => {
    const counts = new Map(FAULT_NAMES.map((name) => [name as string, 0]));
    for (let seed = first; seed < first + 200; seed++) {
      for (const step of makeSchedule(seed).steps) {
        if (step.kind === 'fault') counts.set(step.fault, counts.get(step.fault)! + 1);
      }
    }
    expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(20);
  });
});
