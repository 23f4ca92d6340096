import type { AgentLog, LiveChannel } from '../../src/agents/agentLog.ts';
import type { NewMessage } from '../../src/protocol/message.ts';

export interface RecordingOptions {
  /** How long each save takes, in ms. */
  readonly delayMs?: number | (() => number);
  readonly save?: (message: NewMessage) => Promise<unknown>;
}

/** A log in memory that notes when what happened. A test notes its own events on the same line of time. */
export class RecordingLog implements AgentLog {
  readonly live: LiveChannel = {
    streamStarted: (_planId, streamId, agentName) => this.#show(streamId, `start ${agentName}`),
    streamDelta: (_planId, streamId, _agentName, delta) => this.#show(streamId, delta),
    streamEnded: (_planId, streamId, _agentName, text) => this.#show(streamId, `end ${text}`),
  };
  readonly timeline: string[] = [];
  /** In the order of the calls. */
  readonly messages: NewMessage[] = [];
  /** What was shown, by stream. */
  readonly shown = new Map<string, string[]>();
  readonly #options: RecordingOptions;

  constructor(options: RecordingOptions = {}) {
    this.#options = options;
  }

  async save(message: NewMessage): Promise<unknown> {
    this.messages.push(message);
    this.note(`saving ${label(message)}`);
    if (this.#options.save) return this.#options.save(message);
    const { delayMs = 0 } = this.#options;
    await sleep(typeof delayMs === 'number' ? delayMs : delayMs());
    this.note(`saved ${label(message)}`);
    return undefined;
  }

  note(event: string): void {
    this.timeline.push(event);
  }

  /** `agent: text` of each message, in order. */
  get said(): string[] {
    return this.messages.map(({ agentName, content }) => `${agentName}: ${content}`);
  }

  #show(streamId: string, what: string): void {
    this.note(`shown ${what}`);
    this.shown.set(streamId, [...(this.shown.get(streamId) ?? []), what]);
  }
}

/** A log that nobody can watch. */
export function unwatched(log: RecordingLog): AgentLog {
  return { save: (message) => log.save(message) };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function label({ agentName, content, metadata }: NewMessage): string {
  return `${agentName}: ${content || (metadata?.['tool_calls'] ? 'tool call' : '')}`;
}
