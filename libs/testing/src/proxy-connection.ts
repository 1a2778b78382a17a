import { connect, type Socket } from 'node:net';
import { deferred } from './deferred.js';

export type Direction = 'toServer' | 'toClient';
export type Transform = (
  direction: Direction,
  chunk: Buffer,
  connection: ProxyConnection,
) => Buffer | null | undefined | void;

/** What a proxy does to all of its connections at the moment. */
export interface Faults {
  blackhole: boolean;
  delay: number;
  transform: Transform | undefined;
}

/** As much of what a client says first as it takes to recognise it. */
const HEAD_BYTES = 4096;

/** One client's connection through the proxy. */
export class ProxyConnection {
  /** The first few kilobytes that the client sent: `/subscribe/i.test(connection.head)` finds a subscriber. */
  head = '';
  readonly closed: Promise<void>;

  readonly #closed = deferred();
  readonly #server: Socket;
  #blackhole = false;
  #missedSomething = false;

  constructor(
    private readonly client: Socket,
    target: number,
    private readonly faults: Faults,
  ) {
    this.closed = this.#closed.promise;
    this.#server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#forward('toServer', client, this.#server);
    this.#forward('toClient', this.#server, client);
  }

  blackhole(on: boolean): void {
    this.#blackhole = on;
    if (!on && this.#missedSomething) this.cut();
  }

  cut(): void {
    this.client.destroy();
    this.#server.destroy();
    this.#closed.resolve();
  }

  #forward(direction: Direction, from: Socket, to: Socket): void {
    const inFlight = new DelayLine();

    from.on('data', (chunk: Buffer) => {
      if (direction === 'toServer' && this.head.length < HEAD_BYTES) this.head += chunk.toString('latin1');
      if (this.#swallows()) return;
      const { transform } = this.faults;
      const arriving = transform ? transform(direction, chunk, this) : chunk;
      if (!arriving) return;
      inFlight.send(this.faults.delay, () => {
        if (this.#swallows() || to.write(arriving)) return;
        // The slow side slows the fast one, as without a proxy.
        from.pause();
        // Chunks that were delayed may come one after the other before it has drained.
        if (to.listenerCount('drain') === 0) to.once('drain', () => from.resume());
      });
    });
    from.on('end', () => {
      if (this.#swallows()) return;
      inFlight.send(this.faults.delay, () => this.#swallows() || to.end());
    });
    from.on('error', () => {}); // 'close' follows.
    from.on('close', (hadError) => {
      if (this.#swallows()) return;
      // After a proper end the other direction may have more to say; after an error there is nobody to hear it.
      if (hadError || to.destroyed) inFlight.send(this.faults.delay, () => this.#swallows() || this.cut());
    });
  }

  #swallows(): boolean {
    const isBlack = this.#blackhole || this.faults.blackhole;
    if (isBlack) this.#missedSomething = true;
    return isBlack;
  }
}

/** Carries things in order, each no earlier than `delay` after it was sent, also while the delay changes. */
class DelayLine {
  #arrivals: { due: number; arrive: () => void }[] = [];

  send(delay: number, arrive: () => void): void {
    if (delay === 0 && this.#arrivals.length === 0) {
      arrive();
      return;
    }
    this.#arrivals.push({ due: performance.now() + delay, arrive });
    if (this.#arrivals.length === 1) this.#wait();
  }

  #wait(): void {
    const next = this.#arrivals[0];
    if (!next) return;
    setTimeout(
      () => {
        next.arrive();
        this.#arrivals.shift();
        this.#wait();
      },
      Math.max(0, next.due - performance.now()),
    );
  }
}
