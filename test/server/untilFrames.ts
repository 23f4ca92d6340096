import { WebSocket } from 'ws';

/** Those who wait for something that the frames of a socket bring about. */
export class UntilFrames {
  readonly #waiting = new Set<() => void>();

  /** Resolves when the condition holds; rejects if the socket is closed before. */
  until(ws: WebSocket, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (condition()) resolve();
        else if (ws.readyState === WebSocket.CLOSED) reject(new Error('the socket was closed before'));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** A frame came, or the socket was closed. */
  look(): void {
    for (const look of [...this.#waiting]) look();
  }
}
