import { AbstractChat, DefaultChatTransport, type ChatState, type ChatStatus, type UIMessage } from 'ai';

/** What `useChat()` keeps in React's state. */
class PlainState implements ChatState<UIMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined;

  constructor(public messages: UIMessage[]) {}

  pushMessage = (message: UIMessage): void => {
    this.messages = [...this.messages, message];
  };
  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages = this.messages.map((old, i) => (i === index ? this.snapshot(message) : old));
  };
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

/** The AI SDK's chat client with its own transport, as a page has it after it was loaded. */
export class TestChat extends AbstractChat<UIMessage> {
  constructor(
    url: string,
    { messages = [], id = '7', path = '' }: { messages?: UIMessage[]; id?: string; path?: string } = {},
  ) {
    super({
      id,
      transport: new DefaultChatTransport({ api: `${url}/api/chat${path}` }),
      state: new PlainState(messages),
    });
  }

  /** The text of the answers. */
  get text(): string {
    const answers = this.messages.filter(({ role }) => role === 'assistant');
    return answers
      .flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))
      .join('|');
  }

  /** The messages that the server knows of while the answer is under way. */
  get questions(): UIMessage[] {
    return this.messages.filter(({ role }) => role === 'user');
  }
}
