import type { StoredMessage } from '../protocol/message.ts';
import type { Clock } from '../resilience/clock.ts';
import type { LogPosition } from '../store/messageLog.ts';

export interface KeptPage {
  readonly planId: string;
  /** The page begins behind this sequence. */
  readonly from: number;
  readonly messages: readonly StoredMessage[];
  /** Where it ends; its messages say at least what the log said at this revision. */
  readonly position: LogPosition;
  /** More may come on it: no. It ends because it is full. */
  readonly full: boolean;
}

interface Kept extends KeptPage {
  readonly size: number;
  /** When it is too old, by the monotonic clock. */
  readonly until: number;
}

/** A page is read anew after this: what another process trims is not told of. */
const maxAgeMs = 10_000;
/** What a message costs beyond its body: the object, its id, its frames. */
const messageOverhead = 400;
/** A body is held as text and, in frames, as bytes; text may take two bytes a character. */
const bytesPerCharacter = 3;

/** Pages of the log in memory, within a budget; the one that was longest not asked for goes first. */
export class KeptPages {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #plans = new Map<string, Map<number, Kept>>();
  readonly #lasts = new Map<string, Kept>();
  /** In the order of their use. */
  readonly #used = new Set<Kept>();
  #bytes = 0;
  #history = 0;

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  /** Another number after each {@link clear}: what was read before is of another log. */
  get history(): number {
    return this.#history;
  }

  full(planId: string, from: number): KeptPage | undefined {
    return this.#use(this.#plans.get(planId)?.get(from));
  }

  last(planId: string): KeptPage | undefined {
    return this.#use(this.#lasts.get(planId));
  }

  add(page: KeptPage): void {
    const characters = page.messages.reduce((sum, { body }) => sum + body.length + messageOverhead, 0);
    const size = characters * bytesPerCharacter;
    if (size > this.#maxBytes) return;
    this.#put({ ...page, size, until: this.#clock.monotonic() + maxAgeMs });
    for (const oldest of this.#used) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  /** The plan's revision is `revision` now, by these updates: pages they touch are void, others say what it says. */
  updated(planId: string, revision: number, updates: readonly StoredMessage[]): void {
    const last = this.#lasts.get(planId);
    if (last !== undefined) this.#drop(last);
    for (const page of [...(this.#plans.get(planId)?.values() ?? [])]) {
      const { from, position } = page;
      const isTouched = updates.some(({ sequence }) => sequence > from && sequence <= position.sequence);
      if (isTouched) this.#drop(page);
      else if (position.revision + updates.length === revision) {
        this.#drop(page);
        this.#put({ ...page, position: { ...position, revision } });
      }
    }
  }

  trimmed(planId: string, upTo: number): void {
    const pages = [...(this.#plans.get(planId)?.values() ?? []), this.#lasts.get(planId)];
    for (const page of pages) if (page !== undefined && page.from < upTo) this.#drop(page);
  }

  clear(): void {
    this.#history++;
    for (const page of this.#used) this.#drop(page);
  }

  #use(page: Kept | undefined): Kept | undefined {
    if (page === undefined) return undefined;
    if (page.until < this.#clock.monotonic()) {
      this.#drop(page);
      return undefined;
    }
    this.#used.delete(page);
    this.#used.add(page);
    return page;
  }

  #put(page: Kept): void {
    const { planId, from, full } = page;
    const same = full ? this.#plans.get(planId)?.get(from) : this.#lasts.get(planId);
    if (same !== undefined) this.#drop(same);
    if (full) {
      const pages = this.#plans.get(planId) ?? new Map<number, Kept>();
      this.#plans.set(planId, pages.set(from, page));
    } else {
      this.#lasts.set(planId, page);
    }
    this.#used.add(page);
    this.#bytes += page.size;
  }

  #drop(page: Kept): void {
    const { planId, from, full, size } = page;
    if (!this.#used.delete(page)) return;
    this.#bytes -= size;
    const pages = this.#plans.get(planId);
    if (!full) this.#lasts.delete(planId);
    else if (pages?.delete(from) && pages.size === 0) this.#plans.delete(planId);
  }
}
