import type { StreamEvent } from '../connection/stream-event.js';

/** Makes the data of an event from their text. */
export type ParseData = (text: string, event: Pick<StreamEvent, 'type' | 'channel' | 'isText'>) => unknown;

/**
 * What was published: the server says of each event of a channel whether its data were a string. Of those of `sendTo()`, and on a stream
 * without `{ control: true }`, it does not: they are JSON where they can be read as JSON, and so the string `1` becomes a number.
 */
export const parseData: ParseData = (text, { isText }) => {
  if (isText) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};
