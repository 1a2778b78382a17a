import type { OpenStream, StreamHandlers, StreamRequest } from './transport.js';

/** Characters after which a new request is made: `responseText` keeps the whole stream in memory. */
const MAX_TEXT = 4 * 1024 * 1024;

/** For React Native, whose `fetch` gives a body only when it is whole. */
export function xhrStream(
  { url, headers, credentials }: StreamRequest,
  handlers: StreamHandlers,
  maxText = MAX_TEXT,
): OpenStream {
  const xhr = new XMLHttpRequest();
  let read = 0;
  let wanted: boolean | undefined;
  const advance = () => {
    // A status of 0 is that of a failed request: `error` follows.
    if (xhr.readyState < 2 || xhr.status === 0) return;
    wanted ??= handlers.onHead(xhr.status, (name) => xhr.getResponseHeader(name));
    if (!wanted) return;
    const text = xhr.responseText.slice(read);
    read += text.length;
    if (text !== '') handlers.onText(text);
    if (read > maxText) handlers.onEnd('full');
  };
  xhr.open('GET', url);
  headers.forEach((value, name) => xhr.setRequestHeader(name, value));
  xhr.withCredentials = credentials === 'include';
  xhr.onreadystatechange = xhr.onprogress = advance;
  xhr.onload = () => handlers.onEnd('ended');
  xhr.onerror = () => handlers.onEnd('error', new Error('The request failed.'));
  xhr.send();
  return { close: () => xhr.abort() };
}
