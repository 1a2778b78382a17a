import { findNodes, findOwner, isSameNode } from '../../src/broker/redis/cluster/slot-table.js';

const ASKED = { host: 'seed', port: 1 };
const NODES = [
  'aaa 10.0.0.1:6379@16379,one.example master - 0 0 4 connected 0-8191',
  'bbb 10.0.0.2:6379@16379 myself,master - 0 0 7 connected 8192-16383',
  'ccc 10.0.0.3:6379@16379 slave aaa 0 0 4 connected',
].join('\n');

/** As CLUSTER SLOTS of Redis 7 tells it: the metadata come with `cluster-preferred-endpoint-type hostname`. */
const rangeOf = (host: string | null, metadata: string[] = []) => [
  [0, 16_383, [host, 6379, 'aaa', metadata]],
];

it.each([
  ['an address', '10.0.0.1', [], '10.0.0.1'],
  ['an address of IPv6', '2001:db8::1', [], '2001:db8::1'],
  ['a host name', 'one.example', ['ip', '10.0.0.1'], 'one.example'],
  ['no name, where it is not set', '?', ['ip', '10.0.0.1'], '10.0.0.1'],
  ['no name and no address', '?', [], 'seed'],
  ['nothing (unknown-endpoint)', null, [], 'seed'],
  ['an empty string, as a node that does not know itself', '', [], 'seed'],
])('reaches an owner that tells %s', (_, told, metadata, host) => {
  expect(findOwner(5, rangeOf(told, metadata), NODES, ASKED)).toEqual({
    host,
    port: 6379,
    id: 'aaa',
    epoch: 4,
  });
});

it('takes the range that has the slot, ends included, and the epoch of its master', () => {
  const slots = [
    [0, 8_191, ['10.0.0.1', 6379, 'aaa']],
    [8_192, 16_383, ['10.0.0.2', 6379, 'bbb'], ['10.0.0.3', 6379, 'ccc']],
  ];
  const owners = [0, 8_191, 8_192, 16_383].map((slot) => findOwner(slot, slots, NODES, ASKED));
  expect(owners.map((owner) => [owner?.id, owner?.epoch])).toEqual([
    ['aaa', 4],
    ['aaa', 4],
    ['bbb', 7],
    ['bbb', 7],
  ]);
});

it.each([
  ['no ranges', []],
  ['none with the slot', [[6, 10, ['10.0.0.1', 6379, 'aaa']]]],
  ['what is no answer', 'QUEUED'],
])('finds no owner in %s', (_, slots) => {
  expect(findOwner(5, slots, NODES, ASKED)).toBeUndefined();
});

it('counts a claim as the oldest where its node is not told, or CLUSTER NODES is refused', () => {
  expect(findOwner(5, [[0, 16_383, ['10.0.0.1', 6379]]], NODES, ASKED)).toMatchObject({ id: '', epoch: 0 });
  expect(findOwner(5, rangeOf('10.0.0.1'), '', ASKED)).toMatchObject({ id: 'aaa', epoch: 0 });
});

it('knows a node by its name in the cluster, whatever address it is told by, and by its address where it has none', () => {
  const node = { host: '10.0.0.1', port: 6379, id: 'aaa', epoch: 4 };
  expect(isSameNode(node, { ...node, host: 'one.example', epoch: 5 })).toBe(true);
  expect(isSameNode(node, { ...node, id: 'bbb' })).toBe(false);
  expect(isSameNode(node, { ...node, id: '' })).toBe(true);
  expect(isSameNode(node, { ...node, id: '', port: 6380 })).toBe(false);
});

it('names masters and replicas once each', () => {
  const slots = [
    [0, 1, ['10.0.0.1', 6379, 'aaa'], [null, 6380, 'ccc']],
    [2, 3, ['10.0.0.1', 6379, 'aaa'], ['10.0.0.2', 6379, 'bbb']],
  ];
  expect(findNodes(slots, ASKED)).toEqual([
    { host: '10.0.0.1', port: 6379 },
    { host: 'seed', port: 6380 },
    { host: '10.0.0.2', port: 6379 },
  ]);
  expect(findNodes('ERR', ASKED)).toEqual([]);
});
