import { parseTcpTable, toTcpKey, type UnacknowledgedEntry } from '../../src/response/tcp-table.js';

/** Read on Linux 6.18, little-endian: nobody has unacknowledged bytes, then a client that is gone since ten seconds. */
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   1: 0000000000000000FFFF00000100630A:1F90 0000000000000000FFFF00000200630A:DA60 01 00000000:00000000 00:00000000 00000000     0        0 6432076 1 00000000bbd0be79 20 4 31 11 -1
   2: 0000000000000000FFFF00000100630A:1F90 0000000000000000FFFF00000200630A:DA56 01 00000078:00000000 01:000000FF 00000007     0        0 6432075 2 00000000111be8af 326 4 31 1 -1
`;
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9401 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5701131 1 000000002f95f6ae 100 0 0 10 0
12345: 0100630A:1F90 0200630A:DA56 01 0002C000:00000000 04:000000FF 00000000     0        3 6432075 2 00000000111be8af 326 4 31 1 -1
`;

function parse(text: string): { entries: UnacknowledgedEntry[]; length: number } {
  const entries: UnacknowledgedEntry[] = [];
  return { length: parseTcpTable(Buffer.from(text), (entry) => entries.push(entry)), entries };
}

function toKey(localAddress: string, localPort: number, remoteAddress: string, remotePort: number) {
  return toTcpKey({ localAddress, localPort, remoteAddress, remotePort });
}

it('reads the connections with unacknowledged bytes from the table of IPv6', () => {
  const key = toKey('::ffff:10.99.0.1', 8_080, '::ffff:10.99.0.2', 0xda56);
  expect(parse(TCP6)).toEqual({ entries: [{ key, bytes: 0x78, unanswered: 7 }], length: TCP6.length });
});

it('reads unanswered window probes, and numbers of five digits, from the table of IPv4', () => {
  const key = toKey('10.99.0.1', 8_080, '10.99.0.2', 0xda56);
  expect(parse(TCP).entries).toEqual([{ key, bytes: 0x2c000, unanswered: 3 }]);
});

it('leaves a line that is not whole to the next read, wherever the text is cut', () => {
  for (let cut = 0; cut <= TCP6.length; cut++) {
    const { entries, length } = parse(TCP6.slice(0, cut));
    const rest = parse(TCP6.slice(length));
    expect([...entries, ...rest.entries]).toHaveLength(1);
  }
});

it('skips text that is no table', () => {
  expect(parse('\n\n: \nxx: yy\n1: 2 3 4 5 6\n::::::\n').entries).toEqual([]);
});

it('writes IPv6 addresses as the kernel does, in words of the byte order of a little-endian machine', () => {
  expect(toKey('::1', 1, 'fe80::1:2%eth0', 65_535)).toBe(
    '00000000000000000000000001000000:0001 000080FE000000000000000002000100:FFFF',
  );
});

it('returns nothing for a socket that is not of TCP, or has closed', () => {
  const none = {
    localAddress: undefined,
    localPort: undefined,
    remoteAddress: undefined,
    remotePort: undefined,
  };
  expect(toTcpKey(none)).toBeUndefined();
});
