import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

/**
 * Breaks a response off, so that its client takes it for cut. A response of HTTP/2 that is destroyed ends with NO_ERROR, as if it were
 * whole (Node's `Http2Stream`).
 */
export function breakResponse(response: ServerResponse): void {
  const { stream } = response as ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>;
  stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
  response.destroy();
}
