import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import type { PlanQueue, PlanQueues } from './planQueues.ts';
import type { QueuedSave } from './queuedSave.ts';
import type { SaveAnswers } from './saveAnswers.ts';
import type { Spool } from './spool/spool.ts';

export interface OverflowOptions {
  readonly queues: PlanQueues;
  readonly spool: Spool;
  readonly answers: SaveAnswers;
  /** Told of each message that was spooled, in the order of its plan. */
  readonly spooled: (message: PreparedMessage) => void;
}

/** Messages that go to disk in one transaction. */
const chunk = 4_096;

/**
 * Moves saves from memory to disk: what is being written of a plan first, for that stands before what waits. The saves
 * are answered *spooled*. The spool is the same queue's older end: once a plan has records there, what comes later goes
 * behind them, until all of them are in the log.
 *
 * When the spool is full, what was never handed to the database is refused, and says so; what was may be stored already,
 * and waits in memory.
 */
export class Overflow {
  readonly #options: OverflowOptions;
  #failed = false;
  /** How much was on disk when something had no room there. */
  #fullAt = Number.POSITIVE_INFINITY;

  constructor(options: OverflowOptions) {
    this.#options = options;
  }

  /** Whether messages can be kept on disk, as far as the last try has shown. Once there is more room they may again. */
  get hasRoom(): boolean {
    return !this.#failed && this.#options.spool.size < this.#fullAt;
  }

  /** All of these plans, whole. False if the disk failed: what was not accepted by then stays where it is. */
  move(plans: Iterable<PlanQueue>): boolean {
    let some: PlanQueue[] = [];
    let length = 0;
    for (const plan of [...plans]) {
      some.push(plan);
      length += plan.inFlight.length + plan.queued.length;
      if (length < chunk) continue;
      if (!this.#moveTogether(some)) return false;
      some = [];
      length = 0;
    }
    return this.#moveTogether(some);
  }

  #moveTogether(plans: readonly PlanQueue[]): boolean {
    const { spool, queues } = this.#options;
    const saves = plans.flatMap(({ inFlight, queued }) => [
      // Also what had no room before and is still part of its batch: what comes later must not go to disk past it.
      ...inFlight.filter(({ state }) => state === 'in_flight' || state === 'queued'),
      ...queued,
    ]);
    if (saves.length === 0) return true;
    let ids: readonly number[];
    try {
      ids = spool.append(saves.map(({ message }) => message));
    } catch {
      this.#failed = true;
      return false;
    }
    this.#failed = false;
    this.#fullAt = ids.length < saves.length ? spool.size : Number.POSITIVE_INFINITY;
    for (const [index, save] of saves.entries()) {
      const id = ids[index];
      if (id !== undefined) this.#spooled(save, id);
      else if (save.tried) save.state = 'queued';
      else this.#refuse(save);
    }
    for (const plan of plans) queues.dropDecided(plan);
    return true;
  }

  #spooled(save: QueuedSave, id: number): void {
    const { queues, answers, spooled } = this.#options;
    save.spoolId = id;
    queues.leave(save, 'spooled');
    answers.spooled(save);
    spooled(save.message);
  }

  #refuse(save: QueuedSave): void {
    this.#options.queues.leave(save, 'decided');
    this.#options.answers.refused(save, new IndelibleError('spool_full'));
  }
}
