import { closeSync, openSync, readSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { isIPv4, isIPv6 } from 'node:net';
import { endianness } from 'node:os';
import { setImmediate as afterOthers } from 'node:timers/promises';

/** The tables of this process's network namespace (Linux, Documentation/networking/proc_net_tcp.rst). */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** The kernel returns a page for each read, whatever the size. */
const CHUNK_BYTES = 65_536;
/** About a millisecond: others wait meanwhile. */
const READS_AT_ONCE = 16;
const LF = 0x0a;
const COLON = 0x3a;
const ZERO = 0x30;
const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** A TCP connection for which the kernel holds bytes that the other side has not acknowledged. */
export interface UnacknowledgedEntry {
  /** The addresses, as `toTcpKey` returns them. */
  readonly key: string;
  /** Bytes that are not acknowledged, sent or not. */
  readonly bytes: number;
  /** Retransmissions and window probes since the other side was last heard. 0: it answers, or has had no time to. */
  readonly unanswered: number;
}

/** @returns whether this platform has the tables, and this process may read them. Asked once, at the start */
export async function hasTcpTable(): Promise<boolean> {
  try {
    await access(TABLES[0]!, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

let reading: Promise<readonly UnacknowledgedEntry[]> | undefined;
let nextReading: Promise<readonly UnacknowledgedEntry[]> | undefined;

/**
 * Reads all connections with unacknowledged bytes. One reading at a time, since it costs about 45 ms of CPU with 10,000 connections
 * (measured); who comes meanwhile shares the next one, as what it waits for may have happened after the last one began.
 *
 * @throws Error where a table cannot be read
 */
export function readUnacknowledged(): Promise<readonly UnacknowledgedEntry[]> {
  if (!reading) {
    reading = readTables().finally(() => (reading = undefined));
    return reading;
  }
  const after = (): Promise<readonly UnacknowledgedEntry[]> => {
    nextReading = undefined;
    return readUnacknowledged();
  };
  return (nextReading ??= reading.then(after, after));
}

async function readTables(): Promise<readonly UnacknowledgedEntry[]> {
  const entries: UnacknowledgedEntry[] = [];
  const onEntry = (entry: UnacknowledgedEntry): void => void entries.push(entry);
  await readTable(TABLES[0]!, onEntry);
  // A kernel without IPv6 has no second one.
  await readTable(TABLES[1]!, onEntry).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return entries;
}

/** In this thread: for each page of 27 connections, a promise and a way to another thread cost as much CPU as the kernel (measured). */
async function readTable(path: string, onEntry: (entry: UnacknowledgedEntry) => void): Promise<void> {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    for (let reads = 1; ; reads++) {
      const length = readSync(file, buffer, kept, CHUNK_BYTES - kept, null);
      if (length === 0) return;
      const end = kept + length;
      const parsed = parseTcpTable(buffer.subarray(0, end), onEntry);
      buffer.copy(buffer, 0, parsed, end);
      kept = end - parsed;
      if (reads % READS_AT_ONCE === 0) await afterOthers();
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Parses whole lines of a table. Nearly all lines are of connections without such bytes, and cost a look at one column.
 *
 * @returns the length of the whole lines; an incomplete one follows
 */
export function parseTcpTable(text: Buffer, onEntry: (entry: UnacknowledgedEntry) => void): number {
  let start = 0;
  for (let end = text.indexOf(LF); end >= 0; end = text.indexOf(LF, start)) {
    const queue = findQueue(text, start, end);
    if (queue > 0 && !isZero(text, queue)) {
      const entry = parseLine(text.toString('latin1', start, end));
      if (entry) onEntry(entry);
    }
    start = end + 1;
  }
  return start;
}

/** The offset of `tx_queue`: behind the number of the line, two addresses of one length, and the state. */
function findQueue(text: Buffer, start: number, end: number): number {
  const number = text.indexOf(COLON, start);
  if (number < 0 || number >= end) return 0;
  const local = number + 2;
  const address = text.indexOf(COLON, local) - local + ':ffff '.length;
  return local + 2 * address + 'ff '.length;
}

function isZero(text: Buffer, queue: number): boolean {
  for (let i = 0; i < 8; i++) if (text[queue + i] !== ZERO) return false;
  return true;
}

/** `sl local remote st tx:rx tr:when retrnsmt uid timeout …`, where `timeout` is the number of unanswered probes. */
function parseLine(line: string): UnacknowledgedEntry | undefined {
  const [, local, remote, , queues, , retransmits, , probes] = line.trim().split(/\s+/);
  if (queues === undefined || retransmits === undefined || probes === undefined) return undefined;
  const bytes = Number.parseInt(queues.slice(0, 8), 16);
  const unanswered = Number.parseInt(retransmits, 16) + Number(probes);
  if (!(bytes > 0) || !Number.isFinite(unanswered)) return undefined;
  return { key: `${local} ${remote}`, bytes, unanswered };
}

/** @returns the addresses of a socket as the tables have them; undefined where it is none of TCP, or is closed */
export function toTcpKey(
  socket: Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>,
): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localPort === undefined || remotePort === undefined) return undefined;
  const local = toHexAddress(localAddress);
  const remote = toHexAddress(remoteAddress);
  if (local === undefined || remote === undefined) return undefined;
  return `${local}:${toHexPort(localPort)} ${remote}:${toHexPort(remotePort)}`;
}

function toHexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** The words of an address in the byte order of this machine. */
function toHexAddress(address: string | undefined): string | undefined {
  const bytes = address === undefined ? undefined : toBytes(address.split('%')[0]!);
  if (!bytes) return undefined;
  if (IS_LITTLE_ENDIAN) bytes.swap32();
  return bytes.toString('hex').toUpperCase();
}

function toBytes(address: string): Buffer | undefined {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address)) return undefined;
  // An IPv4 address at the end stands for two groups.
  const groups = address.replace(/[\d.]+$/, (tail) => {
    if (!tail.includes('.')) return tail;
    const [a, b, c, d] = tail.split('.').map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head, tail] = groups.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const zeros = tail ? Array.from({ length: 8 - head!.length - tail.length }, () => '0') : [];
  const all = [...head!, ...zeros, ...(tail ?? [])];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
