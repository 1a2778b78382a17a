/** How the adapters tell the route of a request. */
interface RoutedRequest {
  readonly method?: string;
  /** Express. The path is no text where a regular expression is routed. */
  readonly route?: { readonly path?: unknown };
  /** Fastify. */
  readonly routeOptions?: { readonly url?: string };
}

/** The method and the pattern of the path, as `GET /orders/:id`; undefined if the adapter does not tell. */
export function getRoute(request: object): string | undefined {
  const { method, route, routeOptions } = request as RoutedRequest;
  const path = route?.path ?? routeOptions?.url;
  return typeof path === 'string' ? `${method ?? 'GET'} ${path}` : undefined;
}
