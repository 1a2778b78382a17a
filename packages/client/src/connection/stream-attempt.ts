import { CONTROL, DISMISSED_ID, POSITION, readControl, readObject, readRefusal } from './hub-events.js';
import type { ChangeNotice, ControlNotice } from './connection-listener.js';
import type { StreamEvent } from './stream-event.js';
import type { OpenStream, ParsedEvent, StreamRequest, Transport } from './transport/transport.js';
import type { AttemptResult } from './verdict.js';

/** What an attempt asks of its connection. */
export interface AttemptOwner {
  readonly transport: Transport;
  lastEventId: string;
  onOpen(): void;
  onActivity(): void;
  onRetry(ms: number): void;
  /** The server has let the client in. */
  onAccepted(): void;
  onControl(control: ControlNotice): void;
  onChange(notice: ChangeNotice): void;
  onEvent(event: StreamEvent): void;
  onFinished(result: AttemptResult): void;
}

/** One request, and the stream that answers it. */
export class StreamAttempt {
  private stream: OpenStream | undefined;
  private closed = false;
  /** The code of an `error` event that nothing has followed. */
  private refusal: string | undefined;
  private accepted = false;

  constructor(private readonly owner: AttemptOwner) {}

  /** @param toRequest may wait for a token */
  async begin(toRequest: () => Promise<StreamRequest>): Promise<void> {
    let request: StreamRequest;
    try {
      request = await toRequest();
    } catch (error) {
      this.finish({ type: 'token', error });
      return;
    }
    if (this.closed) return;
    try {
      this.stream = this.owner.transport(request, {
        onOpen: () => this.closed || this.owner.onOpen(),
        onActivity: () => this.closed || this.owner.onActivity(),
        onRetry: (ms) => this.closed || this.owner.onRetry(ms),
        onEvent: (event) => this.closed || this.receive(event),
        onClose: (outcome) => this.finish({ ...outcome, refusal: this.refusal }),
      });
    } catch (error) {
      // Such as a URL that is none, for EventSource and XMLHttpRequest.
      this.finish({ type: 'error', error, refusal: undefined });
    }
    if (this.closed) this.stream?.close();
  }

  listen(type: string): void {
    this.stream?.listen?.(type);
  }

  /** Nothing is handed over after it. */
  close(): void {
    this.closed = true;
    this.stream?.close();
  }

  private finish(result: AttemptResult): void {
    if (this.closed) return;
    this.close();
    this.owner.onFinished(result);
  }

  private receive(event: ParsedEvent): void {
    const { type, data, id, channel, isText } = event;
    if (id === DISMISSED_ID && type === 'end') {
      this.receiveEnd(event);
      return;
    }
    // Before it is handed over: a listener that throws does not get it again.
    if (id !== undefined && id !== DISMISSED_ID) this.owner.lastEventId = id;
    if (type === POSITION) {
      this.accept();
      const notice = data === '' ? undefined : readObject(data);
      if (notice) this.owner.onChange(notice as unknown as ChangeNotice);
      return;
    }
    if (type === CONTROL) {
      const control = readControl(data);
      if (control) this.owner.onControl(control);
      return;
    }
    this.refusal = readRefusal(event);
    if (type !== 'error') this.accept();
    if (!this.closed) this.owner.onEvent({ type, data, id: this.owner.lastEventId, channel, isText });
  }

  /** For good. The id of this event is that of nobody's position. */
  private receiveEnd({ type, data, channel }: ParsedEvent): void {
    const text = readObject(data)?.['reason'];
    const reason = typeof text === 'string' ? text : undefined;
    const { refusal } = this;
    // A filter's refusal is the connection's matter, and a fresh token may lift it.
    if (refusal === undefined || refusal !== reason)
      this.owner.onEvent({ type, data, id: this.owner.lastEventId, channel });
    this.finish({ type: 'dismissed', refusal, reason });
  }

  private accept(): void {
    if (this.accepted) return;
    this.accepted = true;
    this.owner.onAccepted();
  }
}
