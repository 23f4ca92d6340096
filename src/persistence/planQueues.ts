import type { QueuedSave } from './queuedSave.ts';

/** The saves of one plan that are in memory, in order: first those that are being written, then those that wait. */
export class PlanQueue {
  readonly planId: string;
  /** Part of a batch that is being written. While there are any, nothing else of the plan is. */
  inFlight: readonly QueuedSave[] = [];
  queued: QueuedSave[] = [];

  constructor(planId: string) {
    this.planId = planId;
  }
}

/**
 * One queue for each plan, first in, first out. A plan is in one batch at a time, so nothing of it overtakes; different
 * plans do not wait for each other but share batches. Bounded in messages and in size over all plans; what has no room
 * is always the newest.
 */
export class PlanQueues {
  readonly #maxLength: number;
  readonly #maxSize: number;
  readonly #plans = new Map<string, PlanQueue>();
  /** Plans with saves that wait and none in flight; who has waited longest comes first. */
  readonly #idle = new Set<PlanQueue>();
  #length = 0;
  #size = 0;

  constructor(maxLength: number, maxSize: number) {
    this.#maxLength = maxLength;
    this.#maxSize = maxSize;
  }

  /** Saves that are neither decided nor on disk. */
  get length(): number {
    return this.#length;
  }

  /** Plans with saves that wait and none in flight. */
  get idle(): ReadonlySet<PlanQueue> {
    return this.#idle;
  }

  get plans(): Iterable<PlanQueue> {
    return this.#plans.values();
  }

  /** False if there is no room. One message always has room. */
  push(save: QueuedSave): boolean {
    const { planId, body } = save.message;
    const size = this.#size + body.length;
    if (this.#length > 0 && (this.#length >= this.#maxLength || size > this.#maxSize)) return false;
    let plan = this.#plans.get(planId);
    if (plan === undefined) {
      plan = new PlanQueue(planId);
      this.#plans.set(planId, plan);
    }
    plan.queued.push(save);
    if (plan.queued.length === 1 && plan.inFlight.length === 0) this.#idle.add(plan);
    this.#length++;
    this.#size = size;
    return true;
  }

  /**
   * The next batch, now in flight: of the plans that are idle and `mayGo`, at most so many saves, and of at most that
   * size unless the first alone is larger. Plan by plan, each in its order.
   */
  takeBatch(maxLength: number, maxSize: number, mayGo: (planId: string) => boolean): QueuedSave[] {
    const batch: QueuedSave[] = [];
    let size = 0;
    for (const plan of this.#idle) {
      if (!mayGo(plan.planId)) continue;
      let count = 0;
      for (const save of plan.queued) {
        size += save.message.body.length;
        if (batch.length === maxLength || (size > maxSize && batch.length > 0)) break;
        save.state = 'in_flight';
        batch.push(save);
        count++;
      }
      const isFull = count < plan.queued.length;
      if (count > 0) {
        plan.inFlight = isFull ? plan.queued.slice(0, count) : plan.queued;
        plan.queued = isFull ? plan.queued.slice(count) : [];
        this.#idle.delete(plan);
      }
      if (isFull || batch.length === maxLength) break;
    }
    return batch;
  }

  /** The batch is no longer being written: what of it still waits stands in front of its plan again. */
  landed(batch: readonly QueuedSave[]): void {
    for (const save of batch) {
      const plan = this.#plans.get(save.message.planId);
      if (plan === undefined || plan.inFlight.length === 0) continue;
      const waiting = plan.inFlight.filter(({ state }) => state === 'queued');
      plan.inFlight = [];
      if (waiting.length > 0) plan.queued.unshift(...waiting);
      if (plan.queued.length > 0) this.#idle.add(plan);
      else this.#plans.delete(plan.planId);
    }
  }

  /** The save is decided or on disk, and no longer in memory's charge. */
  leave(save: QueuedSave, state: 'spooled' | 'decided'): void {
    if (save.state === 'queued' || save.state === 'in_flight') {
      this.#length--;
      this.#size -= save.message.body.length;
    }
    save.state = state;
  }

  /** Lets go of what waited of the plan and has left. */
  dropDecided(plan: PlanQueue): void {
    plan.queued = plan.queued.filter(({ state }) => state === 'queued');
    if (plan.queued.length > 0) return;
    this.#idle.delete(plan);
    if (plan.inFlight.length === 0) this.#plans.delete(plan.planId);
  }
}
