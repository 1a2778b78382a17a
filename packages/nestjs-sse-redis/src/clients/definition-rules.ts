import type { ChannelDefinitions } from '../channels/channel-definitions.js';
import type { AuthorizeFunction, ChannelRules } from '../channels/channel-rules.interface.js';
import { decide, toAuthorizeFunction } from './authorizer.js';

/**
 * Returns who may be on channels: by the rule of the channel's definition, else by the option `authorize`.
 *
 * Where definitions have rules, a channel for which neither says anything is refused. Otherwise a client of
 * `SseConnectionsController` could put itself on each of them.
 *
 * @param authorize the option
 * @returns undefined where nothing says anything, and the handlers alone decide
 */
export function authorizeByDefinitions(
  definitions: ChannelDefinitions,
  authorize: AuthorizeFunction | ChannelRules | undefined,
): AuthorizeFunction | ChannelRules | undefined {
  if (!definitions.haveRules) return authorize;
  const byOption = authorize === undefined ? () => false : toAuthorizeFunction(authorize);
  return (client, channel) => {
    const found = definitions.find(channel);
    const rule = found?.definition.authorize;
    if (!found || rule === undefined) return byOption(client, channel);
    // None where the channel is another user's.
    const parameters = found.pattern.match(channel, client.user);
    return parameters !== undefined && decide(rule, client, parameters);
  };
}
