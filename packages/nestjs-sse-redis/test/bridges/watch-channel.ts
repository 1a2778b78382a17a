import { io, type Socket } from 'socket.io-client';

interface HubEvent {
  readonly id: string;
  readonly type?: string;
  readonly data: unknown;
}

export function watchChannel(url: string, channel: string, onEvent: (event: HubEvent) => void): Socket {
  // Long polling would need a balancer that sends all requests of a page to the same process.
  const socket = io(url, { transports: ['websocket'] });
  let after: string | undefined;
  // Not outside of it: what is emitted while there is no connection is sent later, beside this.
  socket.on('connect', () => socket.emit('watch', { channel, after }));
  socket.on('event', (event: HubEvent) => {
    after = event.id;
    if (event.type !== 'position') onEvent(event);
  });
  return socket;
}
