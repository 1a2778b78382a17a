// Client libraries that come without types.
interface UntypedEventSource {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string | undefined>) => void): void;
  close(): void;
}

declare module 'eventsource-2' {
  const EventSource: new (url: string) => UntypedEventSource;
  export default EventSource;
}

declare module 'launchdarkly-eventsource' {
  const library: {
    EventSource: new (url: string, options: { readTimeoutMillis: number }) => UntypedEventSource;
  };
  export default library;
}

declare module 'event-source-polyfill' {
  const library: { EventSourcePolyfill: new (url: string) => UntypedEventSource };
  export default library;
}
