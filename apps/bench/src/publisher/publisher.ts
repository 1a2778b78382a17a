export interface Message {
  readonly channel: string;
  readonly text: string;
}

/** A way to send events to the servers, of the kind that they listen to. */
export interface Publisher {
  /** All in one go. */
  send(messages: readonly Message[]): Promise<void>;
}

export type PublisherName = 'hub' | 'hub-shards' | 'plain' | 'transmit';
