import { Transmit } from '@boringnode/transmit';
import { redis } from '@boringnode/bus/transports/redis';
import type { Message, Publisher } from './publisher.js';

/** A Transmit without clients, whose bus carries what it broadcasts to those that have some. */
export async function createTransmitPublisher(url: string): Promise<Publisher> {
  const { hostname: host, port } = new URL(url);
  const driver = redis({ host, port: Number(port) });
  const transmit = new Transmit({ pingInterval: false, transport: { driver } }, driver());
  return {
    async send(messages: readonly Message[]) {
      for (const { channel, text } of messages) transmit.broadcast(channel, text);
    },
  };
}
