import { PROTOCOL } from './protocol.js';
import { logOutName } from './share-names.js';

/** Hears that a user logs out. */
export class LogOutSignal {
  private readonly channel: BroadcastChannel;

  constructor(name: string, onLogOut: () => void) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => {
      if (data === PROTOCOL) onLogOut();
    };
    (this.channel as { unref?: () => void }).unref?.();
  }

  close(): void {
    this.channel.onmessage = null;
    this.channel.close();
  }
}

/**
 * Ends the streams of a user in all tabs of this browser: each is `stopped`, with the reason `closed`.
 *
 * A tab that the browser has frozen ends when it is thawed. Where its stream has to end at once, end it at the server: `hub.disconnect({ user })`.
 *
 * @param key as for `shareTabs()`
 * @example
 * ```ts
 * await fetch('/log-out', { method: 'POST' });
 * logOut(user.id);
 * ```
 */
export function logOut(key: string): void {
  if (typeof BroadcastChannel === 'undefined') return;
  const channel = new BroadcastChannel(logOutName(key));
  channel.postMessage(PROTOCOL);
  channel.close();
}
