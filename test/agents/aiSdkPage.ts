import { AbstractChat, type ChatState, type ChatTransport, type UIMessage } from 'ai';

class PlainState implements ChatState<UIMessage> {
  status: ChatState<UIMessage>['status'] = 'ready';
  error: Error | undefined;
  messages: UIMessage[];

  constructor(messages: UIMessage[]) {
    this.messages = messages;
  }

  pushMessage = (message: UIMessage): void => {
    this.messages = [...this.messages, message];
  };
  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages = this.messages.with(index, structuredClone(message));
  };
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

/** What `useChat` is below its hook: a page with a chat, without a browser. */
export class Page extends AbstractChat<UIMessage> {
  constructor(id: string, transport: ChatTransport<UIMessage>, messages: UIMessage[] = []) {
    super({ id, transport, state: new PlainState(messages) });
  }

  /** What is drawn, without what means nothing to a reader. */
  get drawn(): unknown {
    return JSON.parse(JSON.stringify(this.messages));
  }

  get text(): string {
    return this.messages.flatMap(({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : ''))).join('|');
  }
}
