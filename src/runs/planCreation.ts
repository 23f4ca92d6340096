import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { Plan } from '../protocol/plan.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { NewPlan } from '../store/planRecords.ts';

/** For this long a database that is busy is asked again, in ms: whoever waits is to be told within a second. */
const patienceMs = 800;
const pauses = { initialDelayMs: 20, maxDelayMs: 200 };

export interface PlanCreation {
  /** An id of the plan was made for this call, so a stored plan that equals this one can be nobody else's. */
  readonly isFresh: boolean;
  /** True: it is not tried again. */
  readonly isStopped: () => boolean;
}

/**
 * Stores a plan. A database that is busy for a moment, because another process writes, is asked again until
 * {@link patienceMs} are over; a try that would probably end later is not begun.
 *
 * An answer may be lost after its commit. Then the next try finds the plan there, and it is taken for this one only if
 * all of it is equal and a part of it was made for this call. What would break it: taking another's plan for one's own,
 * which would run it twice.
 *
 * @throws IndelibleError as {@link PlanRecords.create}
 */
export async function createPlan(indelible: Indelible, plan: NewPlan, creation: PlanCreation): Promise<Plan> {
  const { clock, store } = indelible;
  const backoff = new Backoff(pauses);
  const startedAt = clock.monotonic();
  for (let attempt = 1; ; attempt++) {
    const triedAt = clock.monotonic();
    try {
      return await store.plans.create(plan);
    } catch (error) {
      let failure: unknown = error;
      if (IndelibleError.is(error, 'plan_exists') && attempt > 1 && creation.isFresh) {
        try {
          const found = await store.plans.find(plan.planId);
          if (found !== undefined && isEqual(found, plan)) return found;
        } catch (unread) {
          failure = unread;
        }
      }
      if (!IndelibleError.is(failure, 'store_unavailable')) throw failure;
      const now = clock.monotonic();
      const delayMs = backoff.next();
      if (now + delayMs + (now - triedAt) > startedAt + patienceMs) throw failure;
      await new Promise<void>((resolve) => clock.schedule(delayMs, resolve));
      if (creation.isStopped()) throw failure;
    }
  }
}

function isEqual(found: Plan, plan: NewPlan): boolean {
  const members = ['planId', 'sessionId', 'userId', 'teamId', 'description', 'status', 'createdAt'] as const;
  return members.every((member) => found[member] === plan[member]);
}
