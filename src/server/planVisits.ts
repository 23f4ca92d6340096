interface Visits {
  /** Up to where the plan was seen when its last socket left. */
  seen: number;
  readonly users: Set<string>;
}

/** What is forgotten is treated as never seen: the client is shown more, not less. */
const maxPlans = 10_000;
const maxUsersPerPlan = 100;

/** Remembers of plans whose sockets are gone how far they were seen, and by whom. In memory, the newest ones. */
export class PlanVisits {
  readonly #plans = new Map<string, Visits>();

  /** 0 for a plan that nobody is known to have watched. */
  seen(planId: string): number {
    return this.#plans.get(planId)?.seen ?? 0;
  }

  knows(planId: string, userId: string): boolean {
    return this.#plans.get(planId)?.users.has(userId) ?? false;
  }

  /** A socket left; what it had seen counts if it was the last one. */
  left(planId: string, userId: string, seen: number, isLast: boolean): void {
    const visits = this.#plans.get(planId) ?? { seen: 0, users: new Set() };
    if (isLast) visits.seen = seen;
    visits.users.add(userId);
    if (visits.users.size > maxUsersPerPlan) dropOldest(visits.users);
    this.#plans.delete(planId);
    this.#plans.set(planId, visits);
    if (this.#plans.size > maxPlans) dropOldest(this.#plans);
  }
}

function dropOldest(collection: { keys(): Iterable<string>; delete(key: string): boolean }): void {
  for (const oldest of collection.keys()) {
    collection.delete(oldest);
    return;
  }
}
