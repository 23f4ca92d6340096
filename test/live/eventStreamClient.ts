import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import type { ServerFrame } from '../../src/protocol/liveFrames.ts';

interface StreamedEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly frame: ServerFrame;
}

/** A reader of server-sent events, as the standard has it, that may stop reading. */
export class EventStreamClient {
  readonly events: StreamedEvent[] = [];
  comments = 0;
  /** What it would come back with. */
  lastEventId = '';
  readonly response: Promise<IncomingMessage>;
  readonly ended: Promise<void>;
  readonly #request: ClientRequest;
  readonly #waiting = new Set<() => void>();
  #text = '';

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#request = get(url, { headers: { accept: 'text/event-stream', ...headers } });
    this.response = new Promise((resolve, reject) => {
      this.#request.on('response', resolve);
      this.#request.on('error', reject);
    });
    this.ended = this.response.then(
      (response) =>
        new Promise<void>((resolve) => {
          response.setEncoding('utf8');
          response.on('data', (text: string) => this.#read(text));
          response.on('error', () => {});
          response.on('close', resolve);
        }),
    );
    onTestFinished(() => void this.#request.destroy());
  }

  get types(): string[] {
    return this.events.map(({ event }) => event);
  }

  get sequences(): number[] {
    return this.events.flatMap(({ frame }) => (frame.type === 'message' ? [frame.sequence] : []));
  }

  until(condition: (client: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition(this)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#take(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
    }
    for (const look of [...this.#waiting]) look();
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
    const data = fields.get('data');
    if (data === undefined) {
      this.comments++;
      return;
    }
    const id = fields.get('id');
    if (id !== undefined) this.lastEventId = id;
    this.events.push({ event: fields.get('event') ?? 'message', id, frame: JSON.parse(data) });
  }
}
