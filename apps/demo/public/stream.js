// This tab's one stream. EventSource reconnects by itself after most failures; this adds the rest.

/** After an answer that ends an EventSource for good (any status but 200). */
const REOPEN_AFTER = 600;
/** A connection that was on its way to a process when that was killed may never be answered. */
const PATIENCE = 4_000;

export class Stream {
  state = 'connecting';
  /** How often another stream followed the first. */
  reconnects = 0;
  #address;
  #types;
  #on;
  #cursor;
  #source;
  #timer;
  #opened = 0;

  /** `on`: `event({ type, id, data })` and `state(state)`. */
  constructor({ address, types, on }) {
    this.#address = address;
    this.#types = types;
    this.#on = on;
  }

  /** A new EventSource knows nothing of the one before, and cannot send the header: the cursor goes into the address. */
  open() {
    this.#close();
    const address = this.#cursor
      ? `${this.#address}&lastEventId=${encodeURIComponent(this.#cursor)}`
      : this.#address;
    const source = (this.#source = new EventSource(address));
    source.onopen = () => this.#open();
    source.onerror = (event) => this.#failed(event);
    // The hub says where the client stands; the page needs it for the next EventSource alone.
    source.addEventListener('position', (event) => (this.#cursor = event.lastEventId));
    for (const type of this.#types) source.addEventListener(type, (event) => this.#receive(event));
    this.#enter(this.#opened ? 'reconnecting' : 'connecting');
    this.#insist(PATIENCE);
  }

  cut() {
    this.#close();
    this.#enter('cut');
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #open() {
    clearTimeout(this.#timer);
    if (this.#opened++) this.reconnects++;
    this.#enter('open');
  }

  #receive(event) {
    if (event.lastEventId) this.#cursor = event.lastEventId;
    // Of a late event it also says where the client stands: `<own>~<cursor>`.
    const [id] = event.lastEventId.split(/[~,]/);
    this.#on.event({ type: event.type, id, data: JSON.parse(event.data) });
  }

  #failed(event) {
    // An event that the server named "error" is not a failure of the connection; that follows.
    if (event instanceof MessageEvent) return;
    this.#enter('reconnecting');
    this.#insist(this.#source.readyState === EventSource.CLOSED ? REOPEN_AFTER : PATIENCE);
  }

  #insist(after) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), after);
  }

  #enter(state) {
    this.state = state;
    this.#on.state(state);
  }
}
