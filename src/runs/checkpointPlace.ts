import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { CheckpointSaver } from './team.ts';

/** A checkpointer that is closed when no graph uses it any more; `openCheckpointer` gives one. */
export type OpenedSaver = CheckpointSaver & { close(): Promise<void> };

/**
 * Where the graphs of a runner keep their checkpoints: opened when the first one asks, once, and closed with the runner.
 * Where the packages for it are not installed there is none, which is told once; graphs run without.
 */
export class CheckpointPlace {
  readonly #open: (() => Promise<OpenedSaver>) | undefined;
  readonly #observe: Observer;
  #opened: Promise<OpenedSaver | undefined> | undefined;

  constructor(open: (() => Promise<OpenedSaver>) | undefined, observe: Observer) {
    this.#open = open;
    this.#observe = observe;
  }

  /** @throws IndelibleError as `openCheckpointer`; the next call tries again */
  async saver(): Promise<OpenedSaver | undefined> {
    this.#opened ??= this.#tryToOpen();
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  async #tryToOpen(): Promise<OpenedSaver | undefined> {
    try {
      return await this.#open?.();
    } catch (error) {
      if (!IndelibleError.is(error, 'package_missing')) throw error;
      this.#observe({ type: 'no_checkpoints', error });
      return undefined;
    }
  }
}
