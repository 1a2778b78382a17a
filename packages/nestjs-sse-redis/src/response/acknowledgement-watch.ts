import { Logger } from '@nestjs/common';
import { hasTcpTable, readUnacknowledged, type UnacknowledgedEntry } from './tcp-table.js';

const LONGEST_INTERVAL_MS = 5_000;
const SHORTEST_INTERVAL_MS = 1_000;
const LOOKS_PER_TIMEOUT = 12;

/** A stream over a TCP connection. */
export interface WatchedStream {
  /** As `toTcpKey` returns it. Undefined: the stream cannot be watched. */
  readonly tcpKey: string | undefined;
  /** Bytes that were given to the socket, without those that wait in this process. */
  readonly bytesSent: number;
  /** Whether bytes wait in this process: how much of them the kernel has taken is not to be seen. */
  readonly hasQueue: boolean;
  /** Its machine does not answer, or its client takes nothing of what waits in the kernel. */
  onSilent(cause: 'vanished' | 'stalled'): void;
}

/** What the looks at a connection with unacknowledged bytes have shown. */
interface Suspicion {
  bytes: number;
  acknowledged: number;
  unanswered: number;
  /** Since when no byte was acknowledged; ms of `performance.now()`. */
  since: number;
  /** Since when nothing at all came back; undefined while the other side answers. */
  silentSince: number | undefined;
}

/**
 * Finds clients that are gone without a word, by what their machines acknowledge.
 *
 * The heartbeat is the ping. TCP keep-alive does not run while bytes are unacknowledged (net/ipv4/tcp_timer.c), and Node
 * has no TCP_USER_TIMEOUT, so that the kernel would go on for 15 minutes. A machine that answers and takes nothing
 * (a full window) has the whole `stallTimeout`; one that does not answer has half of it, of which a look may have missed as much
 * as lies between two.
 */
export class AcknowledgementWatch {
  private readonly streams = new Map<string, WatchedStream[]>();
  private suspicions = new Map<string, Suspicion>();
  private timer: NodeJS.Timeout | undefined;
  private readonly interval: number;
  /** ms of silence that looks have to see. */
  private readonly longestSilence: number;
  private isStopped = false;
  /** Whether the kernel says what is acknowledged; undefined until that was tried. */
  private available: Promise<boolean> | undefined;

  /** @param stallTimeout ms */
  constructor(private readonly stallTimeout: number) {
    const interval = Math.floor(stallTimeout / LOOKS_PER_TIMEOUT);
    this.interval = Math.max(SHORTEST_INTERVAL_MS, Math.min(LONGEST_INTERVAL_MS, interval));
    this.longestSilence = Math.max(this.interval, stallTimeout / 2 - this.interval);
  }

  get isAvailable(): Promise<boolean> {
    return (this.available ??= hasTcpTable());
  }

  add(stream: WatchedStream): void {
    const { tcpKey } = stream;
    if (tcpKey === undefined) return;
    const streams = this.streams.get(tcpKey);
    // Streams of HTTP/2 share a connection.
    if (streams) streams.push(stream);
    else this.streams.set(tcpKey, [stream]);
    this.schedule();
  }

  remove(stream: WatchedStream): void {
    const { tcpKey } = stream;
    const rest =
      tcpKey === undefined ? undefined : this.streams.get(tcpKey)?.filter((each) => each !== stream);
    if (rest === undefined) return;
    if (rest.length > 0) this.streams.set(tcpKey!, rest);
    else this.streams.delete(tcpKey!);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.timer || this.isStopped || this.streams.size === 0) return;
    this.timer = setTimeout(() => void this.look(), this.interval);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    if (!(await this.isAvailable)) return;
    try {
      this.take(await readUnacknowledged(), performance.now());
    } catch (error) {
      new Logger('SseHub').debug(`Could not read what clients acknowledge: ${(error as Error).message}`);
    }
    this.timer = undefined;
    this.schedule();
  }

  /**
   * Takes one look at all connections.
   *
   * @internal
   * @param now ms of `performance.now()`
   */
  take(entries: readonly UnacknowledgedEntry[], now: number): void {
    const before = this.suspicions;
    // A connection that is not among the entries has acknowledged everything.
    this.suspicions = new Map();
    for (const entry of entries) {
      const streams = this.streams.get(entry.key);
      if (!streams) continue;
      const suspicion = update(before.get(entry.key), entry, streams[0]!, now);
      this.suspicions.set(entry.key, suspicion);
      const cause = this.judge(suspicion, now);
      if (cause) for (const stream of [...streams]) stream.onSilent(cause);
    }
  }

  private judge({ since, silentSince }: Suspicion, now: number): 'vanished' | 'stalled' | undefined {
    if (silentSince !== undefined && now - silentSince >= this.longestSilence) return 'vanished';
    return now - since >= this.stallTimeout ? 'stalled' : undefined;
  }
}

/** Signs of life are fewer bytes that wait, more that are acknowledged, and a count of unanswered ones that began anew. */
function update(
  before: Suspicion | undefined,
  { bytes, unanswered }: UnacknowledgedEntry,
  { bytesSent, hasQueue }: WatchedStream,
  now: number,
): Suspicion {
  const acknowledged = bytesSent - bytes;
  const took = !before || bytes < before.bytes || acknowledged > before.acknowledged;
  const isSilent = unanswered > 0 && !took && unanswered >= before.unanswered;
  const silentSince = isSilent ? (before.silentSince ?? now) : unanswered > 0 ? now : undefined;
  // What waits in this process is for `DrainWatch`, which sees the kernel take parts of it.
  const since = took || hasQueue ? now : before.since;
  return { bytes, acknowledged, unanswered, since, silentSince };
}
