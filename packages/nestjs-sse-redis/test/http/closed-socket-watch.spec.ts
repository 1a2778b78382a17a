import { ClosedSocketWatch } from '../../src/clients/closed-socket-watch.js';

class Connection {
  looks = 0;
  isGone = false;
  readonly response: { readonly gone: boolean };
  readonly close: (reason: string) => void;

  constructor(connections: Map<string, Connection>, id: string) {
    const look = (): boolean => (this.looks++, this.isGone);
    this.response = {
      get gone() {
        return look();
      },
    };
    this.close = () => void connections.delete(id);
    connections.set(id, this);
  }
}

let connections: Map<string, Connection>;
let watch: ClosedSocketWatch;

beforeEach(() => {
  connections = new Map();
  watch = new ClosedSocketWatch(connections);
});

function open(count: number): Connection[] {
  const first = connections.size;
  return Array.from({ length: count }, (_, i) => new Connection(connections, `c${first + i}`));
}

const look = (times: number): void => {
  for (let i = 0; i < times; i++) watch.look();
};
const looksOf = (all: readonly Connection[]) => all.reduce((sum, { looks }) => sum + looks, 0);

it('looks at up to a thousand connections at once', () => {
  const all = open(900);
  watch.look();
  expect(all.every(({ looks }) => looks === 1)).toBe(true);
  watch.look();
  expect(all.every(({ looks }) => looks === 2)).toBe(true);
});

it('looks at a twelfth of many connections, and at all of them in twelve looks', () => {
  const all = open(24_000);
  watch.look();
  expect(looksOf(all)).toBe(2_000);
  look(11);
  expect(all.every(({ looks }) => looks === 1)).toBe(true);
});

it('closes those that are gone, also while others come and go', () => {
  const all = open(3_000);
  watch.look();
  const gone = [all[10]!, all[1_500]!, all[2_999]!, ...open(2)];
  for (const connection of gone) connection.isGone = true;
  all[1_200]!.close('left');
  look(5);
  expect(connections.size).toBe(3_002 - gone.length - 1);
  expect(gone.some((each) => [...connections.values()].includes(each))).toBe(false);
});
