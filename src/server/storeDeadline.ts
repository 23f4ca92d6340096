import { IndelibleError } from '../protocol/errors.ts';
import type { Clock } from '../resilience/clock.ts';

/**
 * The answer of the database, or `store_unavailable` if it takes too long: whoever asks over the network is told within
 * a second that the database is away, also by one that never answers.
 */
export function withinDeadline<T>(clock: Clock, deadlineMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(deadlineMs, () => {
      reject(
        new IndelibleError('store_unavailable', { message: `the database did not answer within ${deadlineMs} ms` }),
      );
    });
    answer.then(resolve, reject).finally(cancel);
  });
}
