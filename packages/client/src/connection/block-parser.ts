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
  let kind: boolean | undefined;
  let isText: boolean | undefined;
  let endedInCr = false;
  const parser = createParser({
    onEvent({ event, data, id }) {
      const [name, named] = [channel, isText];
      channel = isText = undefined;
      onEvent({ type: event ?? 'message', data, id, channel: name, isText: named });
    },
    onRetry,
    onComment(text) {
      if (!text.startsWith(CHANNEL)) return;
      // Many events of one channel follow each other.
      if (text !== comment) [commented, kind] = readComment(text);
      comment = text;
      channel = commented;
      isText = kind;
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

/** The channel, and whether the data are text. A name has no space there. */
function readComment(text: string): [string | undefined, boolean] {
  const [name, kind] = text.slice(CHANNEL.length).split(' ');
  return [decode(name!), kind === 'text'];
}

function decode(name: string): string | undefined {
  try {
    return decodeURI(name);
  } catch {
    return undefined;
  }
}
