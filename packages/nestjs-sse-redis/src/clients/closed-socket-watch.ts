/** Looks after which each connection has been looked at. */
const LOOKS_PER_ROUND = 12;
/** Connections of a look, if there are so many: about 2 ms. */
const LEAST_PER_LOOK = 1_000;

/** A connection, as far as this watch needs it. */
interface Watched {
  readonly response: { readonly gone: boolean };
  close(reason: 'left'): void;
}

/**
 * Closes connections whose sockets are gone without a word.
 *
 * Each look takes some of them, in turn: what it reads of a connection is in no cache of the processor any more and takes 1.8 µs.
 * A look at all of 10,000 was a third of what an idle process cost, and held up all events for 20 ms.
 */
export class ClosedSocketWatch {
  private rest: Iterator<Watched>;

  /** @param connections by their ids. It may change at any time */
  constructor(private readonly connections: ReadonlyMap<string, Watched>) {
    this.rest = connections.values();
  }

  look(): void {
    const count = Math.max(LEAST_PER_LOOK, Math.ceil(this.connections.size / LOOKS_PER_ROUND));
    for (let i = 0; i < count; i++) {
      const { value, done } = this.rest.next();
      if (done) {
        this.rest = this.connections.values();
        return;
      }
      if (value.response.gone) value.close('left');
    }
  }
}
