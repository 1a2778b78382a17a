/** The channels that a client wants: some of a session's, beginning with one. */
export interface ChannelRange {
  readonly session: string;
  readonly from: number;
  readonly count: number;
}

export function channelName(session: string, index: number): string {
  return `${session}-${index}`;
}

export function pathOf({ session, from, count }: ChannelRange): string {
  return `/events?session=${session}&from=${from}&count=${count}`;
}

/** The names of the channels that a request asks for. */
export function channelsOf(url: string): string[] {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const session = query.get('session') ?? '';
  const from = Number(query.get('from'));
  return Array.from({ length: Number(query.get('count')) }, (_, index) => channelName(session, from + index));
}
