import type { Clock } from '../resilience/clock.ts';
import type { LiveClient } from './liveClient.ts';
import type { LiveFraming } from './liveFraming.ts';
import type { Outlet } from './outlet.ts';
import type { ServerLimits } from './serverLimits.ts';

export interface EventStreamOptions {
  readonly userId: string;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly framing: LiveFraming;
  /** The client took nothing for too long. */
  readonly tooSlow: () => void;
  /** Cuts the connection below. */
  readonly cut: () => void;
}

/** What keeps proxies from ending a connection on which nothing happens. */
const comment = Buffer.from(': still here\n\n');

/**
 * A client of `indelible.v1` over server-sent events. It says nothing, so all that is known of it is what it takes: one
 * that takes nothing for too long while something waits is cut off, and comes again with the id of what it has.
 */
export class EventStream implements Outlet, LiveClient {
  readonly userId: string;
  readonly framing: LiveFraming;
  /** The answer's body. */
  readonly body: ReadableStream<Uint8Array>;
  readonly ended: Promise<void>;
  readonly #options: EventStreamOptions;
  readonly #waiting = new Set<() => void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #end = () => {};
  #endBeat = () => {};

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.userId = options.userId;
    this.framing = options.framing;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#tellRoom(),
        cancel: () => this.#over(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: options.limits.maxWaitingBytes }),
    );
    this.#beat();
  }

  get isOpen(): boolean {
    return this.#controller !== undefined;
  }

  get isBehind(): boolean {
    return this.#controller !== undefined && (this.#controller.desiredSize ?? 0) <= 0;
  }

  write(frames: Uint8Array): void {
    this.#controller?.enqueue(frames);
  }

  drained(): Promise<void> {
    if (!this.isBehind) return Promise.resolve();
    const { clock, limits } = this.#options;
    const cancel = clock.schedule(limits.drainTimeoutMs, () => this.#letGo(), 'background');
    return new Promise((resolve) => {
      this.#waiting.add(() => {
        cancel();
        resolve();
      });
    });
  }

  fail(): void {
    this.terminate();
  }

  close(): void {
    this.#controller?.close();
    this.#over();
  }

  terminate(): void {
    this.close();
    this.#options.cut();
  }

  #letGo(): void {
    if (this.isOpen) this.#options.tooSlow();
    this.terminate();
  }

  #beat(): void {
    const { clock, limits } = this.#options;
    this.#endBeat = clock.schedule(
      limits.heartbeatMs,
      () => {
        if (!this.isBehind) this.write(comment);
        this.#beat();
      },
      'background',
    );
  }

  #tellRoom(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tell of waiting) tell();
  }

  #over(): void {
    this.#controller = undefined;
    this.#endBeat();
    this.#tellRoom();
    this.#end();
  }
}
