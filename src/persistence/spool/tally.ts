import type { SpoolConnection } from './spoolConnection.ts';

/**
 * What is in the spool, counted in memory, so that asking costs nothing. Counts only what is committed: changed after a
 * transaction returned, never within it.
 */
export class Tally {
  readonly #waiting = new Map<string, number>();
  depth = 0;
  size = 0;
  aside = 0;
  oldestAcceptedAt: number | undefined;

  waiting(planId: string): number {
    return this.#waiting.get(planId) ?? 0;
  }

  added(planId: string, size: number): void {
    this.#waiting.set(planId, this.waiting(planId) + 1);
    this.depth++;
    this.size += size;
  }

  removed(planId: string, size: number): void {
    const count = this.waiting(planId) - 1;
    if (count > 0) this.#waiting.set(planId, count);
    else this.#waiting.delete(planId);
    this.depth--;
    this.size -= size;
  }

  keptAside(size: number): void {
    this.aside++;
    this.size += size;
  }

  /** Counts what is there, row by row: when a spool is opened, and when others changed it. */
  recount(connection: SpoolConnection): void {
    this.#waiting.clear();
    const aside = connection.countAside.get() as { count: number; size: number };
    this.aside = aside.count;
    this.size = aside.size;
    this.depth = 0;
    for (const row of connection.countByPlan.iterate()) {
      const { plan_id, count, size } = row as { plan_id: unknown; count: number; size: number };
      this.#waiting.set(String(plan_id), this.waiting(String(plan_id)) + count);
      this.depth += count;
      this.size += size;
    }
    this.oldestAcceptedAt = firstAcceptedAt(connection);
  }
}

/** When the first in the waiting order was accepted. */
export function firstAcceptedAt(connection: SpoolConnection): number | undefined {
  const first = connection.first.get()?.['accepted_at'];
  return typeof first === 'number' ? first : undefined;
}
