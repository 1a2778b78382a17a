import { idOfPublished } from '../../src/broker/forks.js';

const fork = (from: number, line: number) => ({ from, began: from + 10, line, serverStart: '' });
const known = (line: number, ...forks: ReturnType<typeof fork>[]) => ({
  line,
  forks,
  serverStart: '',
  since: 0,
});

describe('the id of a published event', () => {
  it.each([
    ['the line on which it was published', known(1, fork(50, 1)), { position: 70, line: 1 }, '0-70.1'],
    ['no line before the first fork', known(0), { position: 70, line: 0 }, '0-70'],
    [
      'the earlier line, of a publish that was repeated',
      known(1, fork(50, 1)),
      { position: 40, line: 1 },
      '0-40',
    ],
    ['its line, where nobody has told of it yet', known(0), { position: 70, line: 1 }, '0-70.1'],
    [
      'its line, where a fork came since',
      known(2, fork(50, 1), fork(80, 2)),
      { position: 70, line: 1 },
      '0-70.1',
    ],
    ['its line, where all data were lost since', known(4), { position: 70, line: 3 }, '0-70.3'],
  ])('has %s', (_, line, published, id) => {
    expect(idOfPublished(line, published)).toBe(id);
  });
});
