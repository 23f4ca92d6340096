import type { Clock } from '../resilience/clock.ts';
import { InboundRate } from './inboundRate.ts';
import { MessageBoundary } from './messageBoundary.ts';
import type { ServerLimits } from './serverLimits.ts';

export interface InboundGuardOptions {
  readonly clock: Clock;
  readonly limits: Pick<ServerLimits, 'inboundBurst' | 'inboundPerSecond' | 'inboundTimeoutMs'>;
  readonly close: (code: number, reason: string) => void;
}

/** Closes the socket (1008) of a client that sends too much, or begins a message and does not end it. */
export class InboundGuard {
  readonly #options: InboundGuardOptions;
  readonly #rate: InboundRate;
  readonly #boundary = new MessageBoundary();
  #cancel: (() => void) | undefined;

  constructor(options: InboundGuardOptions) {
    const { inboundBurst, inboundPerSecond } = options.limits;
    this.#options = options;
    this.#rate = new InboundRate(inboundBurst, inboundPerSecond, options.clock.monotonic());
  }

  /** Whether the client may have sent what it just sent. */
  allows(): boolean {
    const allowed = this.#rate.take(this.#options.clock.monotonic());
    if (!allowed) this.#options.close(1008, 'too many messages');
    return allowed;
  }

  /** These bytes came. */
  follow(bytes: Uint8Array): void {
    if (this.#boundary.follow(bytes)) this.#cancel ??= this.#closeIfUnfinished();
    else this.end();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #closeIfUnfinished(): () => void {
    const { clock, limits, close } = this.#options;
    return clock.schedule(limits.inboundTimeoutMs, () => close(1008, 'a message took too long'), 'background');
  }
}
