import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import { isChannelDefinition } from '../channels/define-channel.js';
import { findPlaceholders } from '../event/channel-pattern.js';
import type { ChannelLike } from '../event/channel-reference.js';
import type { AdapterRequest } from './request-client.js';
import type { SseClient } from './sse-client.decorator.js';

/** Some channels, by names or references. */
type Channels = ChannelLike | readonly ChannelLike[];

/** Channels, or definitions, whose parameters are those of the route's path that have their names; `{user}` is the client's user. */
type RouteChannels =
  | ChannelLike
  | ChannelDefinitionFields
  | readonly (ChannelLike | ChannelDefinitionFields)[];

/** The channels of a request: named, or computed from the adapter's request and the client. */
export type ChannelsOfRequest =
  | RouteChannels
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => Channels | Promise<Channels>);

/** A definition as `defineChannel()` made it, of whatever pattern. */
type AnyDefinition = ChannelDefinitionFields & ((parameters: object) => ChannelLike);

/**
 * Returns the channels of a request.
 *
 * @throws InvalidChannelError where the path has no value for a placeholder, or none that a channel can have
 */
export async function resolveChannels(
  channels: ChannelsOfRequest,
  request: AdapterRequest,
  client: SseClient,
): Promise<Channels> {
  if (typeof channels === 'function' && !isChannelDefinition(channels)) return channels(request, client);
  const toChannel = (one: ChannelLike | ChannelDefinitionFields): ChannelLike =>
    isChannelDefinition(one) ? ofPath(one as AnyDefinition, request, client) : one;
  return Array.isArray(channels)
    ? (channels as readonly (ChannelLike | ChannelDefinitionFields)[]).map(toChannel)
    : toChannel(channels as ChannelLike | ChannelDefinitionFields);
}

function ofPath(definition: AnyDefinition, { params = {} }: AdapterRequest, client: SseClient): ChannelLike {
  const names = findPlaceholders(definition.pattern);
  return definition(
    Object.fromEntries(names.map((name) => [name, name === 'user' ? client.user : params[name]])),
  );
}

/** The definitions among the channels of a route, as far as they are known before a request. */
export function findDefinitions(channels: ChannelsOfRequest): ChannelDefinitionFields[] {
  return [channels].flat().flatMap((one) => {
    if (isChannelDefinition(one)) return [one];
    return typeof one === 'object' && 'definition' in one ? [one.definition as ChannelDefinitionFields] : [];
  });
}

/** Whether the channels may depend on the request. */
export function dependOnRequest(channels: ChannelsOfRequest): boolean {
  return [channels].flat().some((one) => {
    if (isChannelDefinition(one)) return findPlaceholders(one.pattern).length > 0;
    return typeof one === 'function';
  });
}
