import { type PreparedMessage, prepareMessage } from 'indelible/protocol';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { Design, DesignOptions, MakeDesign } from './spoolSchedules.ts';

/** "Write to the database; if that fails, write to disk." What is on disk is drained beside it. */
export const directElseSpool: MakeDesign = (options) => new TemptingDesign(options, () => false);

/** "While something is on disk, write to disk; else to the database." */
export const spoolWhileNotEmpty: MakeDesign = (options) => new TemptingDesign(options, () => options.spool.depth > 0);

/** A service without a queue of its own: each save finds its own way. */
class TemptingDesign implements Design {
  readonly #options: DesignOptions;
  readonly #goesToDisk: () => boolean;
  #isDraining = false;
  #atWork = 0;

  constructor(options: DesignOptions, goesToDisk: () => boolean) {
    this.#options = options;
    this.#goesToDisk = goesToDisk;
    void this.#drain();
  }

  async save(input: Parameters<Design['save']>[0]): Promise<SaveResult> {
    const message = prepareMessage(input, { now: () => this.#options.clock.now() });
    if (this.#goesToDisk()) return this.#spool(message);
    this.#atWork++;
    try {
      const [outcome] = await this.#options.log.append([message]);
      if (outcome === undefined) throw new Error('no outcome');
      return { status: 'stored', message: outcome.message, duplicate: outcome.status === 'duplicate', retries: 0 };
    } catch {
      return this.#spool(message);
    } finally {
      this.#atWork--;
    }
  }

  get isDrained(): boolean {
    if (!this.#isDraining) void this.#drain();
    return this.#options.spool.depth === 0 && this.#atWork === 0;
  }

  async close(): Promise<void> {}

  #spool(message: PreparedMessage): SaveResult {
    this.#options.spool.append([message]);
    return { status: 'spooled', message, retries: 0, error: undefined as never };
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      while (this.#options.spool.depth > 0) {
        const records = this.#options.spool.read(3, 1_000_000);
        await this.#options.log.append(records.map(({ message }) => message));
        this.#options.spool.remove(records.map(({ id }) => id));
      }
    } catch {
      // The database is away, or the process is dead: again when it is looked at.
    }
    this.#isDraining = false;
  }
}
