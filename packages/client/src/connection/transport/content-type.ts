/** Parameters do not count (WHATWG HTML 9.2.3: the essence of the type). */
export function isEventStream(contentType: string): boolean {
  return contentType.split(';')[0]!.trim().toLowerCase() === 'text/event-stream';
}
