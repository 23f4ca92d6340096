import type { IndelibleEvent } from './events.ts';

export interface SaveCounts {
  /** Messages stored, among them those stored late. */
  readonly stored: number;
  /** Saves of a message that was there already. */
  readonly duplicates: number;
  /** Saves that were answered spooled: on disk, not yet in the database. */
  readonly spooled: number;
  /** Messages that were spooled and are stored by now; among {@link stored}. */
  readonly drained: number;
  /** Messages that the database refused for good and that are kept on disk. */
  readonly setAside: number;
  /** Messages that will never be stored. */
  readonly refused: number;
  /** Saves that were answered before the message was stored. */
  readonly late: number;
  /** Batches written again. */
  readonly retries: number;
  readonly broadcastFailures: number;
  /** Of the saves that were decided, the share that is in the database; 1 when there was none yet. */
  readonly successRate: number;
  readonly failureRate: number;
}

/** Counts what became of saves (requirement 5.5), since the start of the process. */
export class SaveStatistics {
  #stored = 0;
  #duplicates = 0;
  #spooled = 0;
  #drained = 0;
  #setAside = 0;
  #refused = 0;
  #late = 0;
  #retries = 0;
  #broadcastFailures = 0;

  readonly observe = (event: IndelibleEvent): void => {
    if (event.type === 'message_stored') {
      if (event.duplicate) this.#duplicates++;
      else this.#stored++;
      if (event.spooled) this.#drained++;
    } else if (event.type === 'message_spooled') this.#spooled++;
    else if (event.type === 'message_set_aside') this.#setAside++;
    else if (event.type === 'message_refused') this.#refused++;
    else if (event.type === 'message_late') this.#late++;
    else if (event.type === 'batch_retried') this.#retries++;
    else if (event.type === 'broadcast_failed') this.#broadcastFailures++;
  };

  counts(): SaveCounts {
    const done = this.#stored + this.#duplicates + this.#refused;
    const failureRate = done === 0 ? 0 : this.#refused / done;
    return {
      stored: this.#stored,
      duplicates: this.#duplicates,
      spooled: this.#spooled,
      drained: this.#drained,
      setAside: this.#setAside,
      refused: this.#refused,
      late: this.#late,
      retries: this.#retries,
      broadcastFailures: this.#broadcastFailures,
      successRate: 1 - failureRate,
      failureRate,
    };
  }
}
