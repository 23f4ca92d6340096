import type { LiveEvent } from '../protocol/liveEvent.ts';

type ReadPosition = Extract<LiveEvent, { readonly type: 'read_position' }>;

/** Positions remembered; one that is forgotten may be told twice. */
const maxRemembered = 10_000;

/** How far users were last said to have read, so that it is said once. */
export class LatestReads {
  readonly #sequences = new Map<string, number>();

  /** True the first time that the user is said to have read so far. */
  isNews({ planId, userId, sequence }: ReadPosition): boolean {
    const key = JSON.stringify([planId, userId]);
    if (sequence <= (this.#sequences.get(key) ?? 0)) return false;
    this.#sequences.delete(key);
    this.#sequences.set(key, sequence);
    if (this.#sequences.size > maxRemembered) for (const oldest of this.#sequences.keys()) return this.#forget(oldest);
    return true;
  }

  #forget(key: string): true {
    this.#sequences.delete(key);
    return true;
  }
}
