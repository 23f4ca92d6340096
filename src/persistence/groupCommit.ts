import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import type { BackoffOptions } from '../resilience/backoff.ts';
import { Breaker, type BreakerState } from '../resilience/breaker.ts';
import type { Clock } from '../resilience/clock.ts';
import type { MessageLog } from '../store/messageLog.ts';
import { BatchCommit } from './batchCommit.ts';
import { Deadline } from './deadline.ts';
import { Drain } from './drain.ts';
import { LogWriter } from './logWriter.ts';
import { Outage } from './outage.ts';
import { Overflow } from './overflow.ts';
import { PlanQueues } from './planQueues.ts';
import type { QueuedSave } from './queuedSave.ts';
import { SaveAnswers } from './saveAnswers.ts';
import type { SaveResult } from './saveResult.ts';
import type { Spool } from './spool/spool.ts';

export interface GroupCommitOptions {
  readonly log: Pick<MessageLog, 'append' | 'find' | 'update'>;
  readonly clock: Clock;
  readonly observe: Observer;
  /** The queues' older end, on disk. Without one, what cannot be stored in time waits in memory. Closed with this. */
  readonly spool: Spool | undefined;
  /** Told of each message that was spooled, in the order of its plan. */
  readonly spooled: (message: PreparedMessage) => void;
  /** A save is answered within this while the breaker is closed, in ms. */
  readonly deadlineMs: number;
  /** And within this while it is not. */
  readonly openDeadlineMs: number;
  /** A try that takes longer is given up, in ms. */
  readonly attemptMs: number;
  /** So many failures one after the other open the breaker. */
  readonly failuresToOpen: number;
  readonly openBackoff: BackoffOptions;
  readonly maxBatch: number;
  /** Batches of different plans that are written at once. */
  readonly maxInFlight: number;
  readonly maxQueuedMessages: number;
  /** In characters of encoded messages. */
  readonly maxQueuedSize: number;
  readonly backoff: BackoffOptions;
}

/** Characters of encoded messages in one batch: a database, and this process, must hold them all at once. */
const maxBatchSize = 16 * 1024 * 1024;
/** Another batch beside one that is being written pays only if it is so large. */
const worthwhileBatch = 128;

/**
 * The one way into the log. A plan's messages leave in the order in which they were submitted, whatever happens to the
 * database meanwhile:
 *
 *     submit → queue of the plan ──── batch ────→ log         answered: stored
 *                  │ late, or the breaker is open   ↑
 *                  └────→ spool on disk ─── drain ──┘          answered: spooled
 *
 * While one batch is being committed the next one gathers; no timer waits for company. A plan goes one of two ways:
 * *direct*, or, from the moment one of its messages is on disk until the drain has emptied the spool of it, *behind the
 * spool*. The second is what keeps the order: the spool is not a second queue but the older end of the first.
 *
 * What would break the order: a plan in two batches at once; writing a message of a plan directly while the spool holds
 * an older one; moving what waits of a plan to disk without what is being written of it.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queues: PlanQueues;
  readonly #answers: SaveAnswers;
  readonly #deadline: Deadline;
  readonly #breaker: Breaker;
  readonly #outage: Outage;
  readonly #batches: BatchCommit;
  readonly #overflow: Overflow | undefined;
  readonly #drain: Drain | undefined;
  readonly #idle: (() => void)[] = [];
  #isTurnDue = false;
  #closed = false;
  #abandoned = false;

  constructor(options: GroupCommitOptions) {
    const { clock, observe, spool, spooled, log, backoff, maxBatch } = options;
    const monotonic = () => clock.monotonic();
    const queues = new PlanQueues(options.maxQueuedMessages, options.maxQueuedSize);
    const answers = new SaveAnswers(observe, monotonic);
    const outage = new Outage(observe, monotonic);
    const breaker = new Breaker({
      clock,
      failures: options.failuresToOpen,
      backoff: options.openBackoff,
      changed: (state, error) => this.#breakerChanged(state, error),
    });
    const writer = new LogWriter({ log, breaker, clock, attemptMs: options.attemptMs });
    this.#options = options;
    this.#queues = queues;
    this.#answers = answers;
    this.#outage = outage;
    this.#breaker = breaker;
    const changed = () => this.#start();
    this.#batches = new BatchCommit({ log, queues, answers, breaker, writer, outage, spool, clock, observe, backoff });
    this.#deadline = new Deadline({
      clock,
      limitMs: () => (breaker.state === 'closed' ? options.deadlineMs : options.openDeadlineMs),
      late: () => this.#late(),
      answerLate: (save) => answers.pending(save, new IndelibleError('not_yet_stored')),
    });
    if (spool === undefined) return;
    this.#overflow = new Overflow({ queues, spool, answers, spooled });
    const draining = { log, spool, writer, breaker, clock, observe, outage, maxBatch, maxBatchSize, backoff, changed };
    this.#drain = new Drain(draining);
    if (spool.depth > 0) outage.found();
    this.#drain.wake();
  }

  /** Messages accepted, in memory and not yet decided. */
  get queued(): number {
    return this.#queues.length;
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  /** Whether messages can be kept on disk while the database is away. */
  get canSpool(): boolean {
    return this.#overflow?.hasRoom ?? false;
  }

  /** Never rejects. */
  submit(message: PreparedMessage): Promise<SaveResult> {
    return new Promise((resolve) => {
      const save: QueuedSave = {
        message,
        answer: resolve,
        acceptedAt: this.#options.clock.monotonic(),
        answered: false,
        tried: false,
        retries: 0,
        state: 'queued',
        spoolId: 0,
      };
      if (this.#closed) this.#answers.refused(save, new IndelibleError('service_closed'));
      else if (!this.#queues.push(save)) this.#answers.refused(save, new IndelibleError('queue_full'));
      else {
        this.#deadline.watch(save);
        this.#start();
      }
    });
  }

  /**
   * Takes no more, waits until all that was accepted is decided or on disk, at most `timeoutMs`; then what is left goes to
   * disk. Without a spool, or where the disk fails, that is lost with the process, and said to the observer: `refused`, or
   * `pending` where a try to write it may yet have succeeded.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    if (!this.#isDone) {
      const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
      const cancel = this.#options.clock.schedule(timeoutMs, () => this.#abandon());
      this.#start();
      await idle;
      cancel();
    }
    this.#deadline.end();
    this.#breaker.end();
    this.#drain?.stop();
    this.#options.spool?.close();
  }

  /** A turn of the loop later, so that all who save in this turn share the batch, and sockets get their turn between. */
  #start(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      if (!this.#abandoned) this.#turn();
    });
  }

  #turn(): void {
    const { spool } = this.#options;
    if (spool !== undefined) this.#spoolWhatMustBe(spool);
    this.#commitWhatMay();
    if (this.#breaker.state === 'closed' && (spool?.depth ?? 0) === 0) this.#outage.ended();
    this.#drain?.wake();
    this.#deadline.arm();
    if (this.#isDone) this.#becomeIdle();
  }

  #commitWhatMay(): void {
    const { maxInFlight, maxBatch } = this.#options;
    const batches = this.#batches;
    while (batches.inFlight < maxInFlight && this.#queues.idle.size > 0 && this.#breaker.admits) {
      if (batches.inFlight > 0 && this.#queues.length - batches.savesInFlight < worthwhileBatch) return;
      const batch = this.#queues.takeBatch(maxBatch, maxBatchSize, (planId) => this.#mayGo(planId));
      if (batch.length === 0) return;
      void batches.commit(batch).then(() => this.#start());
    }
  }

  /** Whether the plan's next message may be written directly. */
  #mayGo(planId: string): boolean {
    const { spool } = this.#options;
    if (!this.#breaker.admits) return false;
    if (spool === undefined) return true;
    // The probe is the drain's, if there is something to drain.
    return this.#breaker.state === 'closed' ? spool.waiting(planId) === 0 : spool.depth === 0;
  }

  /** What waits of plans that cannot be written directly, unless they will be in a moment. */
  #spoolWhatMustBe(spool: Spool): void {
    const isClosed = this.#breaker.state === 'closed';
    if (this.#queues.idle.size === 0 || (isClosed && spool.depth === 0)) return;
    const mustBe = [...this.#queues.idle].filter(({ planId }) => {
      return !this.#mayGo(planId) && !(isClosed && this.#drain?.isClosing(planId));
    });
    if (mustBe.length > 0) this.#overflow?.move(mustBe);
  }

  #breakerChanged(state: BreakerState, error: unknown): void {
    if (state === 'open') {
      this.#outage.began(error);
      this.#overflow?.move(this.#queues.plans);
    }
    this.#deadline.rearm();
    this.#batches.endPauses();
    this.#start();
  }

  #late(): void {
    if (this.#overflow?.move(this.#queues.plans)) this.#batches.endPauses();
    this.#start();
  }

  get #isDone(): boolean {
    const { spool } = this.#options;
    const isDrained = spool === undefined || spool.depth === 0 || this.#breaker.state !== 'closed';
    return this.#abandoned || (this.#queues.length === 0 && this.#batches.inFlight === 0 && isDrained);
  }

  #becomeIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #abandon(): void {
    this.#overflow?.move(this.#queues.plans);
    this.#abandoned = true;
    const error = new IndelibleError('service_closed');
    for (const { inFlight, queued } of [...this.#queues.plans]) {
      for (const save of [...inFlight, ...queued]) {
        if (save.state !== 'queued' && save.state !== 'in_flight') continue;
        this.#queues.leave(save, 'decided');
        if (save.tried) this.#answers.pending(save, error);
        else this.#answers.refused(save, error);
      }
    }
    this.#batches.endPauses();
    this.#becomeIdle();
  }
}
