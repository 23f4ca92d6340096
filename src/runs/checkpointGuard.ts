import { IndelibleError } from '../protocol/errors.ts';
import type { Clock } from '../resilience/clock.ts';
import { insist } from './insist.ts';
import type { CheckpointSaver } from './team.ts';

export interface GuardOptions {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /** Whether the run is this process's, when it is known. */
  readonly stillHeld: () => Promise<boolean>;
}

/**
 * Stands before a checkpointer, for one run.
 *
 * - A checkpoint is only stored while the run is held, as far as this process knows; else the graph fails, and nothing is
 *   written of it. A process that slept through its own burial would otherwise write between those of the next owner.
 * - While the database is away the graph waits for it.
 * - {@link stored} tells when all that was handed over is stored: LangGraph begins the first tasks of a graph before its
 *   first checkpoint is, and names them after it. What a task says must not be stored before: after a crash the task would
 *   have another name, and what it says another id.
 */
export class CheckpointGuard {
  readonly #options: GuardOptions;
  #stored: Promise<unknown> = Promise.resolve();
  #open = 0;
  #isRefused = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Undefined: nothing is waited for. Resolves when what was handed over until now is stored; false: it will not be. */
  get stored(): Promise<boolean> | undefined {
    if (this.#isRefused) return Promise.resolve(false);
    return this.#open === 0 ? undefined : this.#stored.then(() => !this.#isRefused);
  }

  /** The same checkpointer, guarded. */
  around<S extends CheckpointSaver>(saver: S): S {
    const { clock, stop } = this.#options;
    const guarded: Pick<CheckpointSaver, 'getTuple' | 'put' | 'putWrites'> = {
      getTuple: (...of) => insist({ clock, stop }, () => saver.getTuple(...of)),
      put: (...checkpoint) => this.#store(() => saver.put(...checkpoint)),
      putWrites: (...writes) => this.#store(() => saver.putWrites(...writes)),
    };
    return new Proxy(saver, {
      get(target, name) {
        if (Object.hasOwn(guarded, name)) return guarded[name as keyof typeof guarded];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  #store<T>(write: () => Promise<T>): Promise<T> {
    const { clock, stop, stillHeld } = this.#options;
    const storing = insist({ clock, stop }, async () => {
      if (await stillHeld()) return await write();
      throw new IndelibleError('run_taken', { message: 'the run is not worked on here any more' });
    });
    const settled = storing.then(
      () => void this.#open--,
      (error) => {
        this.#open--;
        // Another process goes on from the checkpoint before. Where the database refused it for good the run has failed, and
        // what it says until then is kept.
        if (stop.aborted || IndelibleError.is(error, 'run_taken')) this.#isRefused = true;
      },
    );
    this.#open++;
    this.#stored = Promise.all([this.#stored, settled]);
    return storing;
  }
}
