// This tab's stream, by the client of nestjs-sse-redis: it comes back and resumes by itself, alone or as one for all tabs.
import { createClient } from 'nestjs-sse-redis-client';
import { shareTabs } from 'nestjs-sse-redis-client/share';

/** ms. A connection that was on its way to a process when that was killed may never be answered. */
const SILENCE = 4_000;

export class Stream {
  state = 'connecting';
  /** How often another stream followed the first. */
  reconnects = 0;
  /** Where the stream is: `leader` (this tab), `follower` (another tab), `alone`; undefined where tabs do not share. */
  role;
  #on;
  #client;
  #cursor;
  #opened = 0;

  /** `on`: `event({ type, id, data, channel })`, `state(state)`, `role(role)` and `client(client)` for each new client. */
  constructor(on) {
    this.#on = on;
  }

  /**
   * Opens a stream that goes on where the last one was. `address()` is asked of the tab that has the stream; `key` is the same in all
   * tabs that share one, and undefined for a stream of this tab's own.
   */
  open({ address, key }) {
    this.#close();
    this.#enter(this.#opened ? 'reconnecting' : 'connecting');
    this.#setRole(undefined);
    const client = createClient({
      url: address,
      heartbeatTimeout: SILENCE,
      ...(this.#cursor && { lastEventId: this.#cursor }),
      // Without a worker a tab has the stream, and this page shows which. A worker needs a bundler here: import maps are for pages.
      ...(key && { share: shareTabs({ key, worker: false, onRole: (role) => this.#setRole(role) }) }),
    });
    this.#client = client;
    client.onEvent((event) => this.#on.event(event));
    client.onState(({ status }) => this.#follow(status));
    this.#on.client(client);
  }

  cut() {
    this.#close();
    this.#setRole(undefined);
    this.#enter('cut');
  }

  #close() {
    const client = this.#client;
    this.#client = undefined;
    this.#cursor = client?.lastEventId ?? this.#cursor;
    client?.close();
  }

  #follow(status) {
    if (!this.#client) return;
    if (status === 'open') {
      if (this.#opened++) this.reconnects++;
      this.#enter('open');
    } else if (status === 'stopped') {
      this.#enter('stopped');
    } else {
      this.#enter(this.#opened ? 'reconnecting' : 'connecting');
    }
  }

  #setRole(role) {
    this.role = role;
    this.#on.role(role);
  }

  #enter(state) {
    this.state = state;
    this.#on.state(state);
  }
}
