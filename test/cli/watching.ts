import type { WatchedLog } from 'indelible/testing';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { messageTypes } from '../../src/protocol/messageType.ts';

let users = 0;

/** A socket on a plan that tells the oracle what it is shown. */
export class Watching {
  readonly log: WatchedLog;
  readonly closed: Promise<number>;
  readonly #ws: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(ws: WebSocket, log: WatchedLog) {
    this.log = log;
    this.#ws = ws;
    this.closed = new Promise((resolve) => void ws.once('close', resolve));
    ws.on('error', () => {});
    ws.on('message', (bytes) => {
      const { type, data } = JSON.parse(bytes.toString());
      if (messageTypes.includes(type)) log.sawRow(data);
      for (const look of [...this.#waiting]) look();
    });
    onTestFinished(() => ws.terminate());
  }

  /** Resolves when the socket is open and was greeted: what is written from now on comes. */
  static async connect(url: string, planId: string, log: WatchedLog): Promise<Watching> {
    const path = `/api/v3/socket/${encodeURIComponent(planId)}?user_id=user-${++users}`;
    const ws = new WebSocket(url.replace(/^http/, 'ws') + path);
    const watching = new Watching(ws, log);
    await Promise.race([new Promise((resolve) => void ws.once('message', resolve)), watching.closed]);
    return watching;
  }

  untilSeen(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.log.count < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Gone without a word. */
  drop(): void {
    this.#ws.terminate();
  }
}
