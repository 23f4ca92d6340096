import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';

/** After these the same call may succeed. */
const mayComeLater: readonly ErrorCode[] = [
  'store_unavailable',
  'not_yet_stored',
  'queue_full',
  'spooled',
  'spool_full',
];
const pauses = { initialDelayMs: 50, maxDelayMs: 2_000 };

export interface Patience {
  readonly clock: Clock;
  /** Aborted: what failed is not tried again. */
  readonly stop: AbortSignal;
}

/** What `action` answers, asked again while the database is away. Rejects if it never will be answered, or when stopped. */
export async function insist<T>(patience: Patience, action: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(pauses);
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await pause(patience, backoff.next(), error);
    }
  }
}

export function isPassing(error: unknown): error is IndelibleError {
  return IndelibleError.is(error) && mayComeLater.includes(error.code);
}

export function patientBackoff(): Backoff {
  return new Backoff(pauses);
}

/** Rejects with `error` when stopped. */
export function pause({ clock, stop }: Patience, delayMs: number, error: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopped = () => {
      cancel();
      reject(error);
    };
    const cancel = clock.schedule(delayMs, () => {
      stop.removeEventListener('abort', stopped);
      resolve();
    });
    if (stop.aborted) stopped();
    else stop.addEventListener('abort', stopped, { once: true });
  });
}
