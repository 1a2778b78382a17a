import type { ChannelEvent } from './channel-types.js';

/** Of whatever type of event. */
export type Listener = (data: never, event: never) => void;

/** Functions by the types of events for which they were given. */
export class Listeners {
  private readonly byType = new Map<string | undefined, Set<Listener>>();

  /** @param onError receives what a listener throws */
  constructor(private readonly onError: (error: unknown) => void) {}

  get isEmpty(): boolean {
    return this.byType.size === 0;
  }

  has(type: string): boolean {
    return this.byType.has(type);
  }

  /** @param type undefined: of every type @returns a function that removes the listener */
  add(type: string | undefined, listener: Listener): () => void {
    // A function that is given twice is called twice, and removed once for each.
    const own: Listener = (data, event) => listener(data, event);
    const listeners = this.byType.get(type) ?? new Set();
    this.byType.set(type, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.byType.get(type) === listeners) this.byType.delete(type);
    };
  }

  /** @param isOver asked before each call: whoever closed what the event is of gets no more of it */
  emit(
    event: Pick<ChannelEvent, 'type' | 'data'> & Partial<ChannelEvent>,
    isOver: () => boolean = () => false,
  ): void {
    for (const type of [event.type, undefined]) {
      const listeners = this.byType.get(type) ?? new Set();
      // Those that are there now: one that listens anew with each event would get this one for ever.
      for (const listener of [...listeners]) {
        if (isOver()) return;
        if (!listeners.has(listener)) continue;
        try {
          listener(event.data as never, event as never);
        } catch (error) {
          this.onError(error);
        }
      }
    }
  }
}
