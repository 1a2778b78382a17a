import { AuthorizationFailedError } from '../errors/authorization-failed.error.js';
import { toChunks } from '../util/chunks.js';
import { ChannelPattern } from '../event/channel-pattern.js';
import type {
  AuthorizedClient,
  AuthorizeFunction,
  ChannelRule,
  ChannelRules,
} from '../channels/channel-rules.interface.js';

/** How many channels of a client are asked for at once: the application may ask a database for each. */
const AT_ONCE = 32;

/** Asks the application who may be on a channel. */
export class Authorizer {
  private readonly authorize: AuthorizeFunction;

  constructor(authorize: AuthorizeFunction | ChannelRules) {
    this.authorize = toAuthorizeFunction(authorize);
  }

  /**
   * The channels that the client may not be on.
   *
   * @throws AuthorizationFailedError if the application could not tell
   */
  async refused(client: AuthorizedClient, channels: readonly string[]): Promise<string[]> {
    const refused: string[] = [];
    for (const some of toChunks(channels, AT_ONCE)) {
      const answers = await Promise.all(some.map((channel) => this.ask(client, channel)));
      refused.push(...some.filter((_, i) => !answers[i]));
    }
    return refused;
  }

  private async ask(client: AuthorizedClient, channel: string): Promise<boolean> {
    try {
      // Only `true` is a yes: a function, of JavaScript, that forgets to return anything refuses.
      const answer: unknown = await this.authorize(client, channel);
      return answer === true;
    } catch (cause) {
      throw new AuthorizationFailedError(
        `The authorize option failed for channel ${JSON.stringify(channel)}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  }
}

/** Makes a function of rules. */
export function toAuthorizeFunction(authorize: AuthorizeFunction | ChannelRules): AuthorizeFunction {
  return typeof authorize === 'function' ? authorize : byRules(authorize);
}

function byRules(rules: ChannelRules): AuthorizeFunction {
  const compiled = Object.entries(rules).map(([pattern, rule]) => ({
    pattern: new ChannelPattern(pattern),
    rule,
  }));
  return (client, channel) => {
    for (const { pattern, rule } of compiled) {
      const parameters = pattern.match(channel, client.user);
      if (parameters) return decide(rule, client, parameters);
    }
    return false;
  };
}

/** @param parameters what the braces of the rule's pattern stand for */
export function decide(
  rule: ChannelRule,
  client: AuthorizedClient,
  parameters: Record<string, string>,
): boolean | Promise<boolean> {
  if (rule === true) return true;
  return rule === 'user' ? client.user !== undefined : rule(client, parameters);
}
