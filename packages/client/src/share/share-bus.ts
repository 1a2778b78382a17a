import { parseShareMessage, type ShareMessage } from './protocol.js';

/** The traffic of the tabs that share a stream: each message reaches all other ends, in the order in which its sender sent it. */
export class ShareBus {
  private readonly channel: BroadcastChannel;

  constructor(name: string, onMessage: (message: ShareMessage) => void) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => {
      const message = parseShareMessage(data);
      if (message) onMessage(message);
    };
    // In Node an open channel would keep the process alive.
    (this.channel as { unref?: () => void }).unref?.();
  }

  send(message: ShareMessage): void {
    this.channel.postMessage(message);
  }

  close(): void {
    this.channel.onmessage = null;
    this.channel.close();
  }
}
