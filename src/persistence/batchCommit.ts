import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage, StoredMessage } from '../protocol/message.ts';
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts';
import type { Breaker } from '../resilience/breaker.ts';
import type { Clock } from '../resilience/clock.ts';
import type { AppendOutcome, MessageLog } from '../store/messageLog.ts';
import { finishInterrupted } from './interruptedAnswer.ts';
import type { LogWriter } from './logWriter.ts';
import type { Outage } from './outage.ts';
import type { PlanQueues } from './planQueues.ts';
import { Portions } from './portions.ts';
import type { QueuedSave } from './queuedSave.ts';
import type { SaveAnswers } from './saveAnswers.ts';
import type { Spool } from './spool/spool.ts';

export interface BatchCommitOptions {
  readonly log: Pick<MessageLog, 'find' | 'update'>;
  readonly queues: PlanQueues;
  readonly answers: SaveAnswers;
  readonly breaker: Breaker;
  readonly writer: LogWriter;
  readonly outage: Outage;
  readonly spool: Spool | undefined;
  readonly clock: Clock;
  readonly observe: Observer;
  readonly backoff: BackoffOptions;
}

/**
 * Writes batches from memory into the log, each again and again until every save of it is decided, on disk, or back in
 * its plan's queue. While a batch is tried again its saves may be moved to disk; an answer that comes after that, even of
 * a try that was given up, still counts: what is stored leaves the disk.
 */
export class BatchCommit {
  readonly #options: BatchCommitOptions;
  readonly #pauses = new Set<() => void>();
  #inFlight = 0;
  #savesInFlight = 0;

  constructor(options: BatchCommitOptions) {
    this.#options = options;
  }

  /** Batches that are being written. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get savesInFlight(): number {
    return this.#savesInFlight;
  }

  /** Saves have left their batches, or the breaker has changed: who waits looks again. */
  endPauses(): void {
    for (const end of [...this.#pauses]) end();
  }

  /** Never rejects. */
  async commit(batch: readonly QueuedSave[]): Promise<void> {
    this.#inFlight++;
    this.#savesInFlight += batch.length;
    await this.#write(batch);
    this.#inFlight--;
    this.#savesInFlight -= batch.length;
    this.#options.queues.landed(batch);
  }

  async #write(batch: readonly QueuedSave[]): Promise<void> {
    const { writer, breaker, observe } = this.#options;
    const backoff = new Backoff(this.#options.backoff);
    const decisions = {
      decided: (saves: readonly QueuedSave[], outcomes: readonly AppendOutcome[]) => this.#decided(saves, outcomes),
      refused: (save: QueuedSave, error: IndelibleError) => this.#refused(save, error),
    };
    const portions = new Portions(batch);
    for (const save of batch) save.tried = true;
    for (let attempt = 1; portions.next !== undefined; attempt++) {
      try {
        await writer.write(portions, decisions);
        return;
      } catch (error) {
        portions.keep(isInFlight);
        const saves = portions.items;
        if (saves.length === 0) return;
        for (const save of saves) save.retries++;
        const delayMs = backoff.next();
        observe({ type: 'batch_retried', size: saves.length, attempt, delayMs, error });
        await this.#pause(delayMs);
      }
      portions.keep(isInFlight);
      while (portions.next !== undefined && !breaker.admits) {
        await this.#pause(undefined);
        portions.keep(isInFlight);
      }
    }
  }

  /** Never rejects. */
  #decided(saves: readonly QueuedSave[], outcomes: readonly AppendOutcome[]): Promise<void> | undefined {
    const { queues, answers, outage } = this.#options;
    const conflicts: Promise<void>[] = [];
    const forgotten = this.#forget(saves.filter(({ state }) => state === 'spooled'));
    for (const [index, save] of saves.entries()) {
      const spooled = save.state === 'spooled';
      if (save.state === 'decided' || (spooled && !forgotten.has(save.spoolId))) continue;
      const { status, message } = outcomes[index] as AppendOutcome;
      if (status === 'conflict') {
        // One that is on disk meets it again in its place, and is set aside there.
        if (!spooled) conflicts.push(this.#taken(save, message));
        continue;
      }
      if (spooled) outage.drained(1);
      queues.leave(save, 'decided');
      answers.stored(save, { message, duplicate: status === 'duplicate', spooled });
    }
    return conflicts.length === 0 ? undefined : Promise.all(conflicts).then(() => {});
  }

  /** The id of the message was taken by other content. */
  async #taken(save: QueuedSave, found: StoredMessage): Promise<void> {
    const { log, queues, answers } = this.#options;
    try {
      const message = await finishInterrupted(log, save.message, found);
      if (save.state === 'decided') return;
      if (message === undefined) {
        this.#refuse(save, new IndelibleError('message_conflict', { field: 'messageId' }));
        return;
      }
      queues.leave(save, 'decided');
      answers.stored(save, { message, duplicate: false, spooled: false });
    } catch (cause) {
      // To be saved again: then it is found as it is.
      this.#refuse(save, IndelibleError.is(cause) ? cause : new IndelibleError('store_unavailable', { cause }));
    }
  }

  /** Removes from disk what the database has; answers what was there. What cannot be removed is drained once more. */
  #forget(saves: readonly QueuedSave[]): ReadonlySet<number> {
    if (saves.length === 0) return new Set();
    try {
      return new Set(this.#options.spool?.remove(saves.map(({ spoolId }) => spoolId)));
    } catch {
      return new Set();
    }
  }

  /** The database said no to this message alone. It is kept on disk, where there is one: nobody may look at the answer. */
  async #refused(save: QueuedSave, error: IndelibleError): Promise<void> {
    const { queues, answers, spool, observe } = this.#options;
    const { message } = save;
    // An earlier try may have stored it, without our knowing.
    const found = save.retries > 0 ? await this.#find(message) : undefined;
    if (save.state !== 'in_flight') return;
    if (found !== undefined) {
      queues.leave(save, 'decided');
      answers.stored(save, { message: found, duplicate: true, spooled: false });
      return;
    }
    try {
      spool?.keepAside(message, error);
      const { planId, messageId } = message;
      if (spool !== undefined) observe({ type: 'message_set_aside', planId, messageId, error });
    } catch {
      // It is refused all the same, and said so.
    }
    this.#refuse(save, error);
  }

  #refuse(save: QueuedSave, error: IndelibleError): void {
    this.#options.queues.leave(save, 'decided');
    this.#options.answers.refused(save, error);
  }

  async #find({ planId, messageId, body }: PreparedMessage): Promise<StoredMessage | undefined> {
    try {
      const found = await this.#options.log.find(planId, messageId);
      return found?.body === body ? found : undefined;
    } catch {
      return undefined;
    }
  }

  /** Ends after `delayMs` if it is given, or at {@link endPauses}. */
  #pause(delayMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel?.();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = delayMs === undefined ? undefined : this.#options.clock.schedule(delayMs, end);
      this.#pauses.add(end);
    });
  }
}

function isInFlight({ state }: QueuedSave): boolean {
  return state === 'in_flight';
}
