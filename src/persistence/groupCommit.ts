import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';
import type { AppendOutcome, MessageLog } from '../store/messageLog.ts';
import { CommitQueue, type QueuedSave } from './commitQueue.ts';
import type { SaveResult } from './saveResult.ts';

export interface GroupCommitOptions {
  readonly log: Pick<MessageLog, 'append'>;
  readonly clock: Clock;
  readonly observe: Observer;
  /** A save is answered within this, stored or not. Default 1,000. */
  readonly deadlineMs: number;
  readonly maxBatch: number;
  readonly maxQueuedMessages: number;
  /** In characters of encoded messages. */
  readonly maxQueuedSize: number;
  readonly backoff: BackoffOptions;
}

/** Characters of encoded messages in one batch: a database, and this process, must hold them all at once. */
const maxBatchSize = 16 * 1024 * 1024;

/**
 * The one way into the log. Messages leave in the order in which they were submitted, whatever happens to the database
 * meanwhile:
 *
 *     submit → queue ─── batch ──→ log.append ──→ answers
 *                ↑                     │ unavailable: the same batch again, after a pause
 *                └── gathers meanwhile └ refused: halves, until the one message that is refused stands alone
 *
 * While one batch is being committed the next one gathers; no timer waits for company. A batch that is tried again
 * keeps its ids, so one that was committed without our knowing answers `duplicate` instead of being stored twice.
 *
 * What would break the order: writing a message past a batch that waits for its next try, or two batches in flight.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: CommitQueue;
  readonly #idle: (() => void)[] = [];
  #running = false;
  #closed = false;
  #abandoned = false;
  #endPause: (() => void) | undefined;
  #endDeadline: (() => void) | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#queue = new CommitQueue(options.maxQueuedMessages, options.maxQueuedSize);
  }

  /** Messages accepted and not yet decided. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Never rejects. */
  submit(message: PreparedMessage): Promise<SaveResult> {
    return new Promise((answer) => {
      const save: QueuedSave = {
        message,
        answer,
        acceptedAt: this.#options.clock.monotonic(),
        answered: false,
        tried: false,
        retries: 0,
      };
      if (this.#closed) this.#refuse(save, new IndelibleError('service_closed'));
      else if (!this.#queue.push(save)) this.#refuse(save, new IndelibleError('queue_full'));
      else this.#start();
      this.#armDeadline();
    });
  }

  /**
   * Takes no more, waits until all that was accepted is decided, at most `timeoutMs`. What is not stored by then is lost
   * with the process, and said to the observer: `refused`, or `pending` where a try to write it may yet have succeeded.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    if (!this.#running) return;
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
    const cancel = this.#options.clock.schedule(timeoutMs, () => {
      this.#abandoned = true;
      this.#endPause?.();
      for (const save of this.#queue.take(Number.POSITIVE_INFINITY)) this.#abandon(save);
      this.#becomeIdle();
    });
    await idle;
    cancel();
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    // A turn of the loop later, so that all who save in this turn share the first batch.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#abandoned) {
      await this.#write(this.#queue.peek(this.#options.maxBatch, maxBatchSize));
      // Whoever was answered may save again before the next batch is taken, and sockets get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = false;
    this.#becomeIdle();
  }

  #becomeIdle(): void {
    this.#endDeadline?.();
    this.#endDeadline = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Writes the saves at the front of the queue until each is decided. */
  async #write(saves: readonly QueuedSave[]): Promise<void> {
    const backoff = new Backoff(this.#options.backoff);
    for (const save of saves) save.tried = true;
    for (let attempt = 1; !this.#abandoned; attempt++) {
      try {
        const outcomes = await this.#options.log.append(saves.map((save) => save.message));
        if (this.#abandoned) return;
        this.#queue.take(saves.length);
        for (const [index, save] of saves.entries()) this.#decide(save, outcomes[index] as AppendOutcome);
        return;
      } catch (error) {
        if (!IndelibleError.is(error, 'store_unavailable')) return await this.#isolate(saves, error);
        for (const save of saves) save.retries++;
        const delayMs = backoff.next();
        this.#options.observe({ type: 'batch_retried', size: saves.length, attempt, delayMs, error });
        await this.#pause(delayMs);
      }
    }
  }

  /** The database said no to the batch: finds out to which message, and stores the others around it in their order. */
  async #isolate(saves: readonly QueuedSave[], cause: unknown): Promise<void> {
    if (saves.length > 1) {
      const middle = saves.length >> 1;
      await this.#write(saves.slice(0, middle));
      await this.#write(saves.slice(middle));
      return;
    }
    const error = IndelibleError.is(cause) ? cause : new IndelibleError('store_refused', { cause });
    for (const save of this.#queue.take(1)) this.#refuse(save, error);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#endPause = undefined;
        resolve();
      };
      const cancel = this.#options.clock.schedule(delayMs, end);
      this.#endPause = end;
    });
  }

  #decide(save: QueuedSave, outcome: AppendOutcome): void {
    if (outcome.status === 'conflict') {
      this.#refuse(save, new IndelibleError('message_conflict', { field: 'messageId' }));
      return;
    }
    const duplicate = outcome.status === 'duplicate';
    const { planId, messageId } = save.message;
    const waitedMs = this.#options.clock.monotonic() - save.acceptedAt;
    const { retries } = save;
    this.#options.observe({ type: 'message_stored', planId, messageId, waitedMs, retries, duplicate });
    answer(save, { status: 'stored', message: outcome.message, duplicate, retries });
  }

  #refuse(save: QueuedSave, error: IndelibleError): void {
    const { planId, messageId } = save.message;
    this.#options.observe({ type: 'message_refused', planId, messageId, error });
    answer(save, { status: 'refused', message: save.message, retries: save.retries, error });
  }

  #abandon(save: QueuedSave): void {
    const error = new IndelibleError('service_closed');
    if (save.tried) this.#answerPending(save, error);
    else this.#refuse(save, error);
  }

  #answerPending(save: QueuedSave, error: IndelibleError): void {
    const { message, retries } = save;
    this.#options.observe({ type: 'message_late', planId: message.planId, messageId: message.messageId, error });
    answer(save, { status: 'pending', message, retries, error });
  }

  /** One timer for all: saves have the same deadline, so the oldest is the first to be late. */
  #armDeadline(): void {
    const { clock, deadlineMs } = this.#options;
    const oldest = this.#queue.oldestUnanswered();
    if (this.#endDeadline !== undefined || oldest === undefined) return;
    this.#endDeadline = clock.schedule(Math.max(1, oldest.acceptedAt + deadlineMs - clock.monotonic()), () => {
      this.#endDeadline = undefined;
      this.#answerLate();
      this.#armDeadline();
    });
  }

  #answerLate(): void {
    const lateSince = this.#options.clock.monotonic() - this.#options.deadlineMs;
    for (let save = this.#queue.oldestUnanswered(); save !== undefined; save = this.#queue.oldestUnanswered()) {
      if (save.acceptedAt > lateSince) return;
      this.#answerPending(save, new IndelibleError('not_yet_stored'));
    }
  }
}

function answer(save: QueuedSave, result: SaveResult): void {
  if (save.answered) return;
  save.answered = true;
  save.answer(result);
}
