import { randomUUID } from 'node:crypto';
import { IndelibleError } from '../protocol/errors.ts';
import type { Clock } from '../resilience/clock.ts';
import type { RunRecords } from '../store/runRecords.ts';

export interface RunTimes {
  /** How often a process says that it lives, and looks at the others, in ms. */
  readonly beatMs: number;
  /** An owner that shows the same beat for so long is buried, in ms. */
  readonly buryAfterMs: number;
}

export const defaultTimes: RunTimes = { beatMs: 2_000, buryAfterMs: 10_000 };

export interface RunOwnerOptions extends RunTimes {
  readonly runs: Pick<RunRecords, 'join' | 'beat' | 'leave'>;
  readonly clock: Clock;
  /** It was buried: what it worked on is not its own any more. The next {@link RunOwner.join} is under a new name. */
  readonly lost: (name: string) => void;
}

/**
 * This process, as one that works on runs: it has joined under a name, and beats.
 *
 * Guaranteed to a run: as long as {@link isHeld} is true nobody can have buried this owner, if the beats of the database
 * are read as `RunRecords` says. It turns false one beat before others could bury. What would break it: counting from
 * when a beat was answered instead of from when it was sent.
 */
export class RunOwner {
  readonly #options: RunOwnerOptions;
  #name: string | undefined;
  #joining: Promise<string> | undefined;
  #beatenAt = 0;
  #cancel: (() => void) | undefined;
  #hasLeft = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: RunOwnerOptions) {
    this.#options = options;
  }

  /** The name under which this process counts now; undefined before it joined and after it was buried. */
  get name(): string | undefined {
    return this.#name;
  }

  /** Joins if it has not. @throws IndelibleError as the store, `service_closed` after {@link leave} */
  async join(): Promise<string> {
    if (this.#name !== undefined) return this.#name;
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return await this.#joining;
  }

  /** Whether what was taken under this name is still its own, as far as this process knows. */
  isHeld(name: string): boolean {
    const { clock, beatMs, buryAfterMs } = this.#options;
    return name === this.#name && clock.monotonic() - this.#beatenAt < buryAfterMs - beatMs;
  }

  /** The same, when it is known: while no beat comes through it waits for the next one. False also after `stop`. */
  async stillHeld(name: string, stop: AbortSignal): Promise<boolean> {
    while (name === this.#name && !this.isHeld(name)) {
      if (stop.aborted) return false;
      await new Promise<void>((resolve) => {
        const go = () => {
          this.#waiting.delete(go);
          stop.removeEventListener('abort', go);
          resolve();
        };
        this.#waiting.add(go);
        stop.addEventListener('abort', go, { once: true });
      });
    }
    return name === this.#name;
  }

  /** The database says that this name does not count: what was taken under it is gone. */
  forget(name: string): void {
    if (name !== this.#name) return;
    this.#name = undefined;
    this.#cancel?.();
    this.#options.lost(name);
    this.#tellWaiting();
  }

  /** For good: its runs are free at once, where the database can be reached; else others bury it. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#cancel?.();
    await this.#joining?.catch(() => {});
    const name = this.#name;
    this.#name = undefined;
    this.#tellWaiting();
    if (name !== undefined) await this.#options.runs.leave(name).catch(() => {});
  }

  async #join(): Promise<string> {
    const { runs, clock } = this.#options;
    if (this.#hasLeft) throw new IndelibleError('service_closed');
    const name = randomUUID();
    const sentAt = clock.monotonic();
    await runs.join(name);
    if (this.#hasLeft) {
      await runs.leave(name).catch(() => {});
      throw new IndelibleError('service_closed');
    }
    this.#name = name;
    this.#beatenAt = sentAt;
    this.#schedule(this.#options.beatMs);
    return name;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#options.clock.schedule(Math.max(1, delayMs), () => void this.#beat(), 'background');
  }

  async #beat(): Promise<void> {
    const { runs, clock, beatMs } = this.#options;
    const name = this.#name;
    if (name === undefined) return;
    const sentAt = clock.monotonic();
    try {
      const counts = await runs.beat(name);
      if (!counts) return this.forget(name);
      this.#beatenAt = sentAt;
      this.#tellWaiting();
    } catch {
      // The database is away: the next beat comes, and nobody buries anybody while they cannot look.
    }
    if (name === this.#name) this.#schedule(beatMs - (clock.monotonic() - sentAt));
  }

  #tellWaiting(): void {
    for (const go of [...this.#waiting]) go();
  }
}
