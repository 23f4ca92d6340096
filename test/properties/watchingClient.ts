import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { MessageType } from '../../src/protocol/messageType.ts';
import { messageTypes } from '../../src/protocol/messageType.ts';
import type { WireRow } from '../../src/testing/index.ts';

/** A frame as it came: its text, and what that says. */
export interface Frame {
  readonly text: string;
  readonly type: string;
  readonly data: Payload;
  readonly timestamp: string;
  readonly message_id: string;
  readonly correlation_id: null;
  readonly priority: number;
}

export interface Payload extends Omit<WireRow, 'type'> {
  readonly type: string;
  readonly data: Omit<Payload, 'data'>;
  readonly [member: string]: unknown;
}

/** A client of /api/v3/socket that keeps all it was sent. */
export class WatchingClient {
  readonly planId: string;
  readonly frames: Frame[] = [];
  /** The close code; undefined while it is open. */
  closeCode: number | undefined;
  readonly #ws: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(ws: WebSocket, planId: string, shown: (frame: Frame) => unknown) {
    this.planId = planId;
    this.#ws = ws;
    ws.on('message', (data) => {
      const text = data.toString();
      const frame: Frame = { text, ...JSON.parse(text) };
      this.frames.push(frame);
      if (isMessage(frame)) void shown(frame);
      this.#look();
    });
    ws.on('close', (code) => {
      this.closeCode = code;
      this.#look();
    });
    ws.on('error', () => {});
  }

  /** Resolves when the first frame is there. `shown` is called with each frame of a stored message as it comes. */
  static async connect(
    url: string,
    planId: string,
    userId: string,
    shown: (frame: Frame) => unknown = () => {},
  ): Promise<WatchingClient> {
    const query = `user_id=${encodeURIComponent(userId)}`;
    const path = `/api/v3/socket/${encodeURIComponent(planId)}?${query}`;
    const ws = new WebSocket(url.replace(/^http/, 'ws') + path, { perMessageDeflate: false });
    const client = new WatchingClient(ws, planId, shown);
    await client.until(() => client.frames.length > 0 || client.closeCode !== undefined);
    return client;
  }

  /** The frames of stored messages. */
  get messages(): Frame[] {
    return this.frames.filter(isMessage);
  }

  /** The sequence of the last message. */
  get head(): number {
    return this.messages.at(-1)?.data.sequence ?? 0;
  }

  get isOpen(): boolean {
    return this.closeCode === undefined;
  }

  /** Resolves when it is so; looked at with each frame. Rejects if it cannot be any more: the socket was closed. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (condition()) resolve();
        else if (this.isOpen) return;
        else reject(new Error(`closed with ${this.closeCode} after ${this.frames.map(({ type }) => type)}`));
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  send(text: string): void {
    this.#ws.send(text);
  }

  /** Reads nothing more: what comes waits in the kernel, then in the server. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  /** Gone without a word. */
  drop(): void {
    this.#ws.terminate();
  }

  async close(): Promise<void> {
    if (this.#ws.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#ws, 'close');
    this.#ws.resume();
    this.#ws.close();
    await closed;
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

export function isMessage({ type }: Pick<Frame, 'type'>): boolean {
  return messageTypes.includes(type as MessageType);
}

/** The row in a frame's payload: without what a frame has beyond it. */
export function rowOf({ data }: Frame): WireRow {
  const { data: _inner, ...row } = data;
  return row as unknown as WireRow;
}
