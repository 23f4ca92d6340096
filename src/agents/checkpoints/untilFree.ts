import { IndelibleError } from '../../protocol/errors.ts';
import { Backoff } from '../../resilience/backoff.ts';
import type { Clock } from '../../resilience/clock.ts';

const maxWaitMs = 10_000;
const delays = { initialDelayMs: 5, maxDelayMs: 200 };

/** SQLite: another connection writes, or just opens or closes the file. https://www.sqlite.org/rescode.html */
const busyResults = [5, 6, 15];

/**
 * Runs `action`, and again while another process holds the file's write lock, for 10 s at most: a checkpoint is not lost,
 * and no run fails, because somebody else is writing. Between the tries the thread is free.
 */
export async function untilFree<T>(clock: Clock, action: () => T): Promise<T> {
  const deadline = clock.monotonic() + maxWaitMs;
  const backoff = new Backoff(delays);
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= deadline) throw error;
    }
    await new Promise<void>((resolve) => clock.schedule(backoff.next(), resolve));
  }
}

function isBusy(error: unknown): boolean {
  if (!IndelibleError.is(error, 'store_unavailable')) return false;
  const { errcode } = (error.cause ?? {}) as { errcode?: number };
  return errcode !== undefined && busyResults.includes(errcode & 0xff);
}
