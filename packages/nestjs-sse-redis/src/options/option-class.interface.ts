import type { Type } from '@nestjs/common';
import type { AuthorizedClient } from '../channels/channel-rules.interface.js';
import type { UserId } from './user-id.js';

/**
 * An option that is an injectable class. `useExisting`: one that some module provides. `useClass`: one of which the hub
 * makes an instance of its own, with what the module of the hub can inject.
 *
 * It is looked up when it is first asked, so that it may use services that inject the hub.
 */
export type OptionClass<T> = { readonly useExisting: Type<T> } | { readonly useClass: Type<T> };

/** The interface of a class for the option `authorize`. */
export interface SseAuthorizer {
  /** Returns whether a client may be on a channel, as a function given to `authorize` does. */
  authorize(client: AuthorizedClient, channel: string): boolean | Promise<boolean>;
}

/** The interface of a class for the option `identify`. */
export interface SseIdentifier {
  /** Returns the id of the user of a request, as a function given to `identify` does. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  identify(request: any): UserId | Promise<UserId>;
}
