import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { Plan } from '../protocol/plan.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';
import type { NewPlan } from '../store/planRecords.ts';
import type { RunOwner } from './runOwner.ts';

/** For this long a database that is busy is asked again, in ms: whoever waits is to be told within a second. */
const patienceMs = 800;
const pauses = { initialDelayMs: 20, maxDelayMs: 200 };

export interface PlanCreation {
  readonly owner: RunOwner;
  /** An id of the plan was made for this call, so a stored plan that equals this one can be nobody else's. */
  readonly isFresh: boolean;
  /** True: it is not tried again. */
  readonly isStopped: () => boolean;
}

export interface CreatedPlan {
  readonly plan: Plan;
  /** The name under which its run is held, with the fence 1. */
  readonly owner: string;
}

/**
 * Stores a plan and that its run is this process's. A database that is busy for a moment, because another process writes,
 * is asked again until {@link patienceMs} are over; a try that would probably end later is not begun.
 *
 * An answer may be lost after its commit. Then the next try finds the plan there, and it is taken for this one only if
 * all of it is equal and a part of it was made for this call. What would break it: taking another's plan for one's own,
 * which would run it twice.
 *
 * @throws IndelibleError as {@link RunRecords.begin}
 */
export async function createPlan(indelible: Indelible, plan: NewPlan, creation: PlanCreation): Promise<CreatedPlan> {
  const { clock, store } = indelible;
  return await briefly(clock, creation.isStopped, async (attempt) => {
    const owner = await creation.owner.join();
    try {
      return { plan: await store.runs.begin(plan, owner), owner };
    } catch (error) {
      if (IndelibleError.is(error, 'run_taken')) creation.owner.forget(owner);
      if (IndelibleError.is(error, 'plan_exists') && attempt > 1 && creation.isFresh) {
        const found = await store.plans.find(plan.planId);
        const run = await store.runs.find(plan.planId);
        if (found !== undefined && isEqual(found, plan) && run?.owner === owner) return { plan: found, owner };
      }
      throw error;
    }
  });
}

/** What `action` answers, tried again for a moment: where a database is busy, and where this process had been buried. */
export async function briefly<T>(
  clock: Clock,
  isStopped: () => boolean,
  action: (attempt: number) => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(pauses);
  const startedAt = clock.monotonic();
  for (let attempt = 1; ; attempt++) {
    const triedAt = clock.monotonic();
    try {
      return await action(attempt);
    } catch (error) {
      if (!IndelibleError.is(error, 'store_unavailable') && !IndelibleError.is(error, 'run_taken')) throw error;
      const now = clock.monotonic();
      const delayMs = backoff.next();
      if (now + delayMs + (now - triedAt) > startedAt + patienceMs) throw error;
      await new Promise<void>((resolve) => clock.schedule(delayMs, resolve));
      if (isStopped()) throw error;
    }
  }
}

function isEqual(found: Plan, plan: NewPlan): boolean {
  const members = ['planId', 'sessionId', 'userId', 'teamId', 'description', 'status', 'createdAt'] as const;
  return members.every((member) => found[member] === plan[member]);
}
