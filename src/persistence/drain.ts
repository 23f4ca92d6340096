import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts';
import type { Breaker } from '../resilience/breaker.ts';
import type { Clock } from '../resilience/clock.ts';
import type { AppendOutcome, MessageLog } from '../store/messageLog.ts';
import { finishInterrupted } from './interruptedAnswer.ts';
import type { LogWriter } from './logWriter.ts';
import type { Outage } from './outage.ts';
import { Portions } from './portions.ts';
import type { Spool, SpooledRecord } from './spool/spool.ts';

export interface DrainOptions {
  readonly log: Pick<MessageLog, 'update'>;
  readonly spool: Spool;
  readonly writer: LogWriter;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly observe: Observer;
  readonly outage: Outage;
  readonly maxBatch: number;
  /** Characters of encoded messages in one batch. */
  readonly maxBatchSize: number;
  readonly backoff: BackoffOptions;
  /** A batch has come to an end, well or not: plans may go another way now. */
  readonly changed: () => void;
}

/** Records of the batch that finds out whether the database is back, and of the first one behind it. */
const probeSize = 64;
/** How often it is looked whether the command line gave something back, in ms. */
const refreshMs = 1_000;

/**
 * Moves what was spooled into the log: the oldest first, in batches, one at a time. A record leaves the spool when the
 * database has it, and not before; one the database refuses is set aside in its place, with why.
 *
 * Plans without records are not its business: they go on beside it. A plan whose last records are in the batch that is
 * being written is *closing*: what comes behind them may wait for that batch instead of going to disk, so that a plan
 * that is written all the time is direct again too.
 *
 * How many records are written at once follows the database: twice as many after each batch that went well, half after
 * one that did not. A database that comes back slow would be given up on a large batch, again and again, while what it
 * could have stored in small ones grows.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #closing = new Set<string>();
  /** What is being written. While the database is away it stays, with what was found out of refused messages. */
  #portions = new Portions<SpooledRecord>([]);
  #limit = probeSize;
  #isRunning = false;
  #isStopped = false;
  #couldNotForget: unknown;
  #endPause: (() => void) | undefined;
  #endRefresh: (() => void) | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#scheduleRefresh();
  }

  isClosing(planId: string): boolean {
    return this.#closing.has(planId);
  }

  /** Something was spooled, or the database may be back. */
  wake(): void {
    if (this.#isRunning || !this.#hasWork) return;
    this.#isRunning = true;
    setImmediate(() => void this.#run());
  }

  /** Begins nothing more. What is being written is decided or comes again with the next owner. */
  stop(): void {
    this.#isStopped = true;
    this.#endPause?.();
    this.#endRefresh?.();
  }

  get #hasWork(): boolean {
    const { spool, breaker } = this.#options;
    return !this.#isStopped && spool.depth > 0 && breaker.admits;
  }

  async #run(): Promise<void> {
    const { observe, changed, backoff } = this.#options;
    const pauses = new Backoff(backoff);
    for (let attempt = 1; this.#hasWork; ) {
      try {
        await this.#writeNext();
        attempt = 1;
        pauses.reset();
      } catch (error) {
        this.#limit = Math.max(1, this.#limit >> 1);
        this.#portions.cut();
        const delayMs = pauses.next();
        observe({ type: 'batch_retried', size: 0, attempt: attempt++, delayMs, error });
        this.#ended();
        await this.#pause(delayMs);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isRunning = false;
    changed();
  }

  async #writeNext(): Promise<void> {
    const { spool, writer, breaker, maxBatch, maxBatchSize } = this.#options;
    const limit = Math.min(this.#limit, maxBatch, breaker.state === 'closed' ? maxBatch : probeSize);
    if (this.#portions.next === undefined) this.#portions = new Portions(spool.read(limit, maxBatchSize));
    if (breaker.state === 'closed') this.#close(this.#portions.items);
    await writer.write(this.#portions, {
      decided: (decided, outcomes) => this.#decided(decided, outcomes),
      refused: (record, error) => this.#setAside(record, error),
    });
    const error = this.#couldNotForget;
    this.#couldNotForget = undefined;
    // They are stored, and would be written again at once, and again.
    if (error !== undefined) throw error;
    this.#limit = Math.min(maxBatch, limit * 2);
    this.#ended();
  }

  #close(records: readonly SpooledRecord[]): void {
    const counts = new Map<string, number>();
    for (const { message } of records) counts.set(message.planId, (counts.get(message.planId) ?? 0) + 1);
    for (const [planId, count] of counts) if (count === this.#options.spool.waiting(planId)) this.#closing.add(planId);
  }

  #ended(): void {
    this.#closing.clear();
    if (!this.#isStopped) this.#options.changed();
  }

  /** Also late, of a batch that was given up: what is no longer there was decided already. Never rejects. */
  async #decided(records: readonly SpooledRecord[], outcomes: readonly AppendOutcome[]): Promise<void> {
    const { log, spool } = this.#options;
    const statuses = new Map(records.map(({ id }, index) => [id, outcomes[index]?.status]));
    try {
      for (const [index, record] of records.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status !== 'conflict') continue;
        if ((await finishInterrupted(log, record.message, outcome.message)) === undefined) {
          statuses.delete(record.id);
          this.#setAside(record, new IndelibleError('message_conflict'));
        }
      }
      const gone = new Set(spool.remove([...statuses.keys()]));
      for (const record of records) {
        if (gone.has(record.id)) this.#stored(record, statuses.get(record.id) === 'duplicate');
      }
    } catch (error) {
      // The database has them, or is away again: they come once more, and are known by their ids.
      this.#couldNotForget = error;
    }
  }

  #stored({ message, acceptedAt }: SpooledRecord, duplicate: boolean): void {
    const { observe, outage, clock } = this.#options;
    const { planId, messageId } = message;
    const waitedMs = Math.max(0, clock.now() - acceptedAt);
    outage.drained(1);
    observe({ type: 'message_stored', planId, messageId, waitedMs, retries: 0, duplicate, spooled: true });
  }

  #setAside({ id, message }: SpooledRecord, error: IndelibleError): void {
    const { spool, observe, outage } = this.#options;
    const { planId, messageId } = message;
    const before = spool.setAsideCount;
    spool.setAside(id, error);
    // It was decided before, and this answer is late.
    if (spool.setAsideCount === before) return;
    outage.setAside();
    observe({ type: 'message_set_aside', planId, messageId, error });
  }

  #scheduleRefresh(): void {
    const { clock, spool } = this.#options;
    const look = () => {
      if (spool.refresh()) this.wake();
      this.#scheduleRefresh();
    };
    this.#endRefresh = clock.schedule(refreshMs, look, 'background');
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        resolve();
      };
      const cancel = this.#options.clock.schedule(delayMs, end, 'background');
      this.#endPause = end;
    });
  }
}
