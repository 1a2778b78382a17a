import { createParser } from 'eventsource-parser';
import type { ParsedEvent } from './transport.js';

const CHANNEL = 'channel ';

interface BlockHandlers {
  onEvent(event: ParsedEvent): void;
  onRetry(ms: number): void;
}

/**
 * Makes events of decoded text. A block that the end of the stream cuts is never handed over (WHATWG HTML 9.2.6).
 *
 * The server writes the channel of an event as a comment into its block.
 */
export function createBlockParser({ onEvent, onRetry }: BlockHandlers): (text: string) => void {
  let channel: string | undefined;
  let comment: string | undefined;
  let commented: string | undefined;
  let isText = false;
  let endedInCr = false;
  const parser = createParser({
    onEvent({ event, data, id }) {
      const named = channel;
      channel = undefined;
      onEvent({
        type: event ?? 'message',
        data,
        id,
        channel: named,
        isText: named === undefined ? undefined : isText,
      });
    },
    onRetry,
    onComment(text) {
      if (!text.startsWith(CHANNEL)) return;
      // Many events of one channel follow each other.
      if (text !== comment) {
        const [name, kind] = text.slice(CHANNEL.length).split(' ');
        commented = decode(name!);
        isText = kind === 'text';
      }
      comment = text;
      channel = commented;
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

function decode(name: string): string | undefined {
  try {
    return decodeURI(name);
  } catch {
    return undefined;
  }
}
