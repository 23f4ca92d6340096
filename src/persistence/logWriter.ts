import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import type { Breaker, Permit } from '../resilience/breaker.ts';
import type { Clock } from '../resilience/clock.ts';
import type { AppendOutcome, MessageLog } from '../store/messageLog.ts';
import type { Portions } from './portions.ts';

export interface LogWriterOptions {
  readonly log: Pick<MessageLog, 'append'>;
  readonly breaker: Breaker;
  readonly clock: Clock;
  /** A try that takes longer is given up, in ms. What it did is unknown until it says so, late. */
  readonly attemptMs: number;
}

export interface Carried {
  readonly message: PreparedMessage;
}

/** Who is told what became of messages. Told late too, and then perhaps for the second time: must not mind. */
export interface Decisions<T extends Carried> {
  decided(items: readonly T[], outcomes: readonly AppendOutcome[]): Promise<void> | void;
  /** The database said no to this one alone, and will again. */
  refused(item: T, error: IndelibleError): Promise<void> | void;
}

/**
 * Tries to append, under the breaker and within a time. Ids go with every try, so what a lost or late answer left
 * unknown answers `duplicate` to the next one.
 *
 * Tries may overlap: one that was given up can still be at work in the database. That inverts nothing, since whichever
 * of the two comes second finds the ids of the first, all of them in their order.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /**
   * Writes a batch in its order until each item is decided; those that the database refuses are found by halves.
   *
   * @throws IndelibleError `store_unavailable`: the portions that are left are as unknown as before
   */
  async write<T extends Carried>(portions: Portions<T>, decisions: Decisions<T>): Promise<void> {
    for (let items = portions.next; items !== undefined; items = portions.next) {
      const outcomes = await this.#tryOrCut(items, portions, decisions);
      if (outcomes === undefined) continue;
      portions.written();
      await decisions.decided(items, outcomes);
    }
  }

  /** Undefined if the database said no. */
  async #tryOrCut<T extends Carried>(
    items: readonly T[],
    portions: Portions<T>,
    decisions: Decisions<T>,
  ): Promise<readonly AppendOutcome[] | undefined> {
    const permit = this.#options.breaker.admit();
    if (permit === undefined) throw new IndelibleError('store_unavailable');
    try {
      return await this.#try(items, permit, (outcomes) => void decisions.decided(items, outcomes));
    } catch (error) {
      if (IndelibleError.is(error, 'store_unavailable')) throw error;
      if (portions.cut()) return undefined;
      await decisions.refused(items[0] as T, refusal(error));
      portions.written();
      return undefined;
    }
  }

  #try(
    items: readonly Carried[],
    permit: Permit,
    late: (outcomes: readonly AppendOutcome[]) => void,
  ): Promise<readonly AppendOutcome[]> {
    const { log, clock, attemptMs } = this.#options;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const giveUp = () => {
        isOver = true;
        const message = `the database did not answer within ${attemptMs} ms`;
        const error = new IndelibleError('store_unavailable', { message });
        permit.failed(error, true);
        reject(error);
      };
      const cancel = Number.isFinite(attemptMs) ? clock.schedule(attemptMs, giveUp) : () => {};
      const appended = async () => log.append(items.map(({ message }) => message));
      appended().then(
        (outcomes) => {
          cancel();
          permit.succeeded();
          if (isOver) late(outcomes);
          else resolve(outcomes);
        },
        (error: unknown) => {
          cancel();
          if (!IndelibleError.is(error, 'store_unavailable')) permit.succeeded();
          else if (!isOver) permit.failed(error, false);
          reject(error);
        },
      );
    });
  }
}

function refusal(error: unknown): IndelibleError {
  return IndelibleError.is(error) ? error : new IndelibleError('store_refused', { cause: error });
}
