import { readRetryAfter } from '../retry-after.js';
import { createBlockParser } from './block-parser.js';
import { isEventStream } from './content-type.js';
import type { OpenStream, StreamHandlers, StreamOutcome, StreamRequest } from './transport.js';

/** Characters after which a new request is made: `responseText` keeps the whole stream in memory. */
const MAX_TEXT = 4 * 1024 * 1024;

/** For React Native, whose `fetch` gives a body only when it is whole. */
export function xhrStream(
  { url, headers, credentials }: StreamRequest,
  handlers: StreamHandlers,
  maxText = MAX_TEXT,
): OpenStream {
  const xhr = new XMLHttpRequest();
  const feed = createBlockParser(handlers);
  let read = 0;
  let opened = false;
  let closed = false;
  const close = (outcome?: StreamOutcome) => {
    if (closed) return;
    closed = true;
    xhr.abort();
    if (outcome) handlers.onClose(outcome);
  };
  const open = (): boolean => {
    if (opened) return true;
    const { status } = xhr;
    if (status === 0) return false; // `error` follows
    const contentType = xhr.getResponseHeader('content-type') ?? '';
    const retryAfter = () => readRetryAfter(xhr.getResponseHeader('retry-after'));
    if (status !== 200) close({ type: 'status', status, retryAfter: retryAfter() });
    else if (!isEventStream(contentType)) close({ type: 'content-type', contentType });
    if (closed) return false;
    opened = true;
    handlers.onOpen();
    return !closed;
  };
  const advance = () => {
    if (closed || !open()) return;
    const { responseText } = xhr;
    if (responseText.length === read) return;
    handlers.onActivity();
    const text = responseText.slice(read);
    read = responseText.length;
    feed(text);
    if (read > maxText) close({ type: 'full' });
  };
  xhr.open('GET', url);
  headers.forEach((value, name) => xhr.setRequestHeader(name, value));
  xhr.withCredentials = credentials === 'include';
  xhr.onreadystatechange = () => {
    if (xhr.readyState === 2 && !closed) open();
  };
  xhr.onprogress = advance;
  xhr.onload = () => {
    advance();
    close({ type: 'ended' });
  };
  xhr.onerror = xhr.ontimeout = () => close({ type: 'error', error: new Error('The request failed.') });
  xhr.send();
  return { close: () => close() };
}
