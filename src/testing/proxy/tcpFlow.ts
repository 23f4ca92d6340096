import type { Socket } from 'node:net';
import type { Clock } from '../../resilience/clock.ts';

/** What one side sent, or that it sends no more, or that it is gone. */
type Sent = Buffer | 'end' | 'reset';

/** How one direction of a connection is at the moment. */
export interface FlowConditions {
  /** Nothing passes. */
  readonly held: boolean;
  /** How much later it passes, in ms, drawn anew for each piece. */
  readonly delayMs: () => number;
}

/** What is kept of a direction that is held or slow; the sender of more is kept waiting, as by a full window. */
const maxWaitingBytes = 1024 * 1024;

/**
 * One direction of one connection. What was sent arrives in its order, unchanged; when, is up to the conditions. What
 * is held is not lost: it arrives when the way is free again, as TCP would send it again. A sender that is gone by then
 * still has its last words delivered, except when it broke off with a reset.
 */
export class TcpFlow {
  readonly #clock: Clock;
  readonly #from: Socket;
  readonly #to: Socket;
  /** Delivers a piece; false if the connection was cut with it. */
  readonly #deliver: (piece: Buffer) => boolean;
  #conditions: FlowConditions;
  #waiting: { readonly sent: Sent; readonly dueAt: number }[] = [];
  #waitingBytes = 0;
  #full = false;
  #stopped = false;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, from: Socket, to: Socket, conditions: FlowConditions, deliver: (piece: Buffer) => boolean) {
    this.#clock = clock;
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#deliver = deliver;
    let ended = false;
    from.on('data', (piece: Buffer) => this.#sent(piece));
    from.on('end', () => {
      ended = true;
      this.#sent('end');
    });
    from.on('close', (broken) => {
      if (broken || !ended) this.#sent('reset');
    });
    to.on('drain', () => {
      this.#full = false;
      this.#pass();
    });
  }

  /** What waited for the old conditions waits no longer, unless the new ones hold it. */
  set conditions(conditions: FlowConditions) {
    this.#conditions = conditions;
    this.#waiting = this.#waiting.map(({ sent }) => ({ sent, dueAt: 0 }));
    this.#pass();
  }

  /** Nothing more arrives. */
  stop(): void {
    this.#stopped = true;
    this.#forget();
    this.#cancelTimer?.();
  }

  #sent(sent: Sent): void {
    if (this.#stopped) return;
    if (sent === 'reset') this.#forget();
    const dueAt = this.#clock.monotonic() + this.#conditions.delayMs();
    this.#waiting.push({ sent, dueAt });
    this.#waitingBytes += sizeOf(sent);
    this.#pass();
    if (this.#waitingBytes > maxWaitingBytes) this.#from.pause();
  }

  #pass(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (!this.#conditions.held && !this.#full) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      const waitMs = next.dueAt - this.#clock.monotonic();
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.schedule(waitMs, () => this.#pass());
        break;
      }
      this.#waiting.shift();
      this.#waitingBytes -= sizeOf(next.sent);
      if (!this.#arrive(next.sent)) return;
    }
    if (this.#waitingBytes <= maxWaitingBytes) this.#from.resume();
  }

  /** False if that was the end. */
  #arrive(sent: Sent): boolean {
    if (sent === 'reset') this.#to.resetAndDestroy();
    else if (sent === 'end') this.#to.end();
    else if (!this.#deliver(sent)) return false;
    this.#full = this.#to.writableNeedDrain;
    return true;
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function sizeOf(sent: Sent): number {
  return typeof sent === 'string' ? 0 : sent.length;
}
