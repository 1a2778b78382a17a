import { encodeEvent, type EventText } from './event-text.js';

/**
 * Data that the hub keeps in a run for itself. Neither the `serialize` option nor a definition that the name of the channel happens to fit
 * has a say in it.
 */
export class OwnData {
  constructor(private readonly data: string) {}

  toText(type: string | undefined): EventText {
    return encodeEvent({ ...(type !== undefined && { type }), data: this.data }, Infinity);
  }
}
