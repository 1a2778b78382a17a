import type { ProxyConnection, TcpProxy } from '@nestjs-sse-redis/testing';

/** A message that Redis pushes to a subscriber, in RESP2 or RESP3, with the channel of a hub's event. */
const PUSH =
  /[*>]3\r\n\$7\r\nmessage\r\n\$\d+\r\n(?<announcements>\{[^\r]*:live:\d+:c:[^\r]*)\r\n\$(?<length>\d+)\r\n/g;

/** An announcement that is to be lost. */
export interface DroppedAnnouncement {
  /** Of the event; undefined as long as none was dropped. */
  readonly position: number | undefined;
  /** Drops none any more. @returns whether one was */
  stop(): boolean;
}

/** Swallows the next announcement on a channel, and nothing else, where the whole of it arrives in one piece. */
export function dropAnnouncement(proxy: TcpProxy, channel: string): DroppedAnnouncement {
  let position: number | undefined;
  proxy.transform((direction, chunk) => {
    if (direction === 'toServer' || position !== undefined) return chunk;
    const text = chunk.toString('latin1');
    for (const match of text.matchAll(PUSH)) {
      const { announcements, length } = match.groups!;
      const start = match.index + match[0].length;
      const end = start + Number(length) + 2;
      if (!announcements!.endsWith(`:c:${channel}`) || end > chunk.length) continue;
      // A record begins with it.
      position = Number.parseInt(text.slice(start, start + 20), 10);
      return Buffer.concat([chunk.subarray(0, match.index), chunk.subarray(end)]);
    }
    return chunk;
  });
  return {
    get position() {
      return position;
    },
    stop: () => {
      proxy.transform();
      return position !== undefined;
    },
  };
}

/** Lets the next publish of an event reach Redis, and breaks the connection before the answer is back. */
export function loseReply(proxy: TcpProxy): { readonly happened: boolean; stop(): void } {
  let publishing: ProxyConnection | undefined;
  let happened = false;
  proxy.transform((direction, chunk, connection) => {
    if (happened) return chunk;
    if (direction === 'toServer') {
      if (chunk.includes('event: tick')) publishing = connection;
      return chunk;
    }
    if (connection !== publishing) return chunk;
    happened = true;
    connection.cut();
    return undefined;
  });
  return {
    get happened() {
      return happened;
    },
    stop: () => proxy.transform(),
  };
}
