import type { IndelibleError } from '../../protocol/errors.ts';
import type { PreparedMessage } from '../../protocol/message.ts';

/**
 * Where messages wait on this machine's disk while the database is away: the queue's overflow, in its order.
 *
 * 1. **Durable.** What `append` answers survives the death of the process and, as far as the disk keeps what it was told
 *    to flush, of the machine. A call that throws accepted nothing.
 * 2. **In order.** Ids ascend strictly, over restarts too; `read` gives them in that order, and a record keeps its place
 *    until it is removed or set aside.
 * 3. **Whole or not at all.** A record is read back character for character, or, where the disk changed it, never: it is
 *    set aside as `spool_damaged` and the others go on.
 * 4. **One owner.** Two processes that drained one spool would invert its order, so the second is refused. The owner is
 *    whoever holds the lock, not whoever is written somewhere: it ends with the process, however that ends.
 *
 * What breaks them: acknowledging before the flush (1), flushing again after a flush that failed (1: the system may have
 * dropped what it could not write), removing a record before the database has it (then it is nowhere).
 *
 * The operator's command line changes what is set aside while the owner works: the counts here follow with each call.
 */
export interface Spool {
  /**
   * Appends in order; on disk when it returns. Accepts the longest prefix that has room and answers its ids: fewer than
   * were given means that the spool is full.
   *
   * @throws IndelibleError `spool_unavailable`: nothing of this call was accepted
   */
  append(messages: readonly PreparedMessage[]): readonly number[];

  /**
   * The oldest waiting records behind `afterId`, in order: up to `limit` of them, and of up to `maxSize` characters
   * unless the first alone is larger. None means that nothing waits there.
   *
   * @throws IndelibleError `spool_unavailable`
   */
  read(limit: number, maxSize: number, afterId?: number): readonly SpooledRecord[];

  /**
   * Forgets records that the database has. Answers those that were waiting, in the order given; others are no error.
   *
   * @throws IndelibleError `spool_unavailable`: they may still be there, and come again. Harmless, as the database knows
   *   their message ids
   */
  remove(ids: readonly number[]): readonly number[];

  /** Takes a waiting record out of the way of the others and keeps it, with why. @throws `spool_unavailable` */
  setAside(id: number, error: IndelibleError): void;

  /**
   * Keeps a message that was never spooled and that the database refused for good.
   *
   * @throws IndelibleError `spool_full`, `spool_unavailable`
   */
  keepAside(message: PreparedMessage, error: IndelibleError): void;

  /** How many records of a plan wait. From memory. */
  waiting(planId: string): number;

  /** Records that wait. */
  readonly depth: number;

  /** What the bound is compared with: bytes of all records, those set aside too. The files are somewhat larger. */
  readonly size: number;

  readonly setAsideCount: number;

  /** When the first in the waiting order was accepted, in ms since 1970. */
  readonly oldestAcceptedAt: number | undefined;

  /**
   * Takes up what the command line changed. True if something was changed by it since the last call. Cheap enough to
   * call each second; never throws, a spool that cannot be read now is told by the calls that need it.
   */
  refresh(): boolean;

  /** Gives up ownership. What waits stays on disk. */
  close(): void;
}

export interface SpooledRecord {
  readonly id: number;
  readonly message: PreparedMessage;
  /** Ms since 1970. */
  readonly acceptedAt: number;
}

export interface SpoolOptions {
  /** The bound on {@link Spool.size}. */
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
