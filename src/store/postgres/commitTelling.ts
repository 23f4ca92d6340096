import type { Pool } from 'pg';
import { type Clock, systemClock } from '../../resilience/clock.ts';
import { query, sqlState } from './connection.ts';

/** For how long nothing is told after the queue was found full, in ms. */
const quietMs = 5_000;

const queueFull = '54000';

/**
 * Whether commits tell of themselves by NOTIFY. Its queue is one for the whole server, and is full when any listener of
 * any database stands still for long; every commit that notifies then fails. A hint must not keep a message out: for a
 * while commits are quiet, and watchers look by themselves.
 */
export class CommitTelling {
  readonly #pool: Pool;
  readonly #wanted: boolean;
  readonly #clock: Clock;
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(pool: Pool, wanted: boolean, clock: Clock = systemClock) {
    this.#pool = pool;
    this.#wanted = wanted;
    this.#clock = clock;
  }

  get now(): boolean {
    return this.#wanted && this.#clock.monotonic() >= this.#quietUntil;
  }

  /** Does `action`, which tells if {@link now}; once more, quietly, if it failed for a full queue. */
  async during<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (sqlState(error) !== queueFull || !this.now) throw error;
      this.#quietUntil = this.#clock.monotonic() + quietMs;
      // The queue is only emptied by a commit that tells, which none can now, or by whoever asks how full it is.
      query(this.#pool, { text: 'SELECT pg_notification_queue_usage()' }).catch(() => {});
      return await action();
    }
  }
}
