import type { WebSocket } from 'ws';
import type { Clock } from '../resilience/clock.ts';

export interface HeartbeatOptions {
  readonly ws: Pick<WebSocket, 'ping' | 'terminate' | 'on'>;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Called with each ping; answers up to where the peer was sent the log by then. */
  readonly beat: () => number;
}

/**
 * Pings a peer. One that is silent from one ping to the next is gone: it is cut off within two pings, also where no
 * packet of it ever says so. A pong proves that everything sent before its ping has arrived.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #heard = true;
  #sentAtPing = 0;
  #confirmed = 0;
  #cancel: (() => void) | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    options.ws.on('pong', (data) => {
      if (data.toString() === String(this.#sentAtPing)) this.#confirmed = this.#sentAtPing;
    });
  }

  /** Up to where the peer certainly got the log. */
  get confirmed(): number {
    return this.#confirmed;
  }

  begin(confirmed: number): void {
    this.#confirmed = confirmed;
    this.#sentAtPing = confirmed;
    this.#schedule();
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options;
    this.#cancel = clock.schedule(intervalMs, () => this.#tick(), 'background');
  }

  #tick(): void {
    const { ws, beat } = this.#options;
    if (!this.#heard) {
      ws.terminate();
      return;
    }
    this.#heard = false;
    this.#sentAtPing = beat();
    ws.ping(String(this.#sentAtPing));
    this.#schedule();
  }
}
