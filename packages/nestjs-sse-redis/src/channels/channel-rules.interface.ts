/** The client that wants to be on a channel, as far as `authorize` needs it. `SseClient` is one. */
export interface AuthorizedClient {
  /** Its user, as `identify` or the handler told. */
  readonly user: string | undefined;
  /** The address of the client. */
  readonly address: string | undefined;
  /** The adapter's request with which it connected. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  readonly request: any;
}

/** Whether a client may be on a channel. One that throws closes the stream for now: the client may try again. */
export type AuthorizeFunction = (client: AuthorizedClient, channel: string) => boolean | Promise<boolean>;

/** `true`: whoever the pattern fits; `'user'`: if it is somebody; or a function, which gets what the pattern's braces stand for. */
export type ChannelRule =
  | true
  | 'user'
  | ((client: AuthorizedClient, parameters: Record<string, string>) => boolean | Promise<boolean>);

/** Rules by pattern: `{name}` in a pattern stands for anything but a colon, `{user}` for the id of the client's user. */
export type ChannelRules = Readonly<Record<string, ChannelRule>>;
