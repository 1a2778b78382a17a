import { createParser } from 'eventsource-parser';
import type { ParsedEvent } from './transport/transport.js';

const CHANNEL = 'channel ';

/**
 * Makes events of decoded text. A block that the end of the stream cuts is never handed over (WHATWG HTML 9.2.6).
 *
 * The server writes the channel of an event as a comment into its block.
 */
export function createBlockParser(
  onEvent: (event: ParsedEvent) => void,
  onRetry: (ms: number) => void,
): (text: string) => void {
  let channel: string | undefined;
  let comment: string | undefined;
  let commented: string | undefined;
  let kind: Pick<ParsedEvent, 'isText' | 'key'> = {};
  let named: typeof kind = {};
  let endedInCr = false;
  const parser = createParser({
    onEvent({ event, data, id }) {
      const parsed = { type: event ?? 'message', data, id, channel, ...named };
      channel = undefined;
      named = {};
      onEvent(parsed);
    },
    onRetry,
    onComment(text) {
      if (!text.startsWith(CHANNEL)) return;
      // Many events of one channel follow each other.
      if (text !== comment) [commented, kind] = readComment(text);
      comment = text;
      channel = commented;
      named = kind;
    },
  });
  return (text) => {
    if (text === '') return;
    // A line ends with its CR. eventsource-parser waits for the character behind it, and so would hold back the event.
    const rest = endedInCr && text[0] === '\n' ? text.slice(1) : text;
    endedInCr = text.endsWith('\r');
    parser.feed(endedInCr ? `${rest}\n` : rest);
  };
}

/** The channel, whether the data are text, and the key on a state channel: `<name>[ text][ key <key>]`. None of them has a space there. */
function readComment(text: string): [string | undefined, Pick<ParsedEvent, 'isText' | 'key'>] {
  const [name, ...rest] = text.slice(CHANNEL.length).split(' ');
  const key = rest.at(-2) === 'key' ? decode(rest.at(-1)!, decodeURIComponent) : undefined;
  return [decode(name!, decodeURI), { isText: rest[0] === 'text', ...(key !== undefined && { key }) }];
}

function decode(text: string, by: (text: string) => string): string | undefined {
  try {
    return by(text);
  } catch {
    return undefined;
  }
}
