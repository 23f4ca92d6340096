import type { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage, StoredMessage } from '../protocol/message.ts';

/**
 * What became of a save. A value, not an exception: an agent that does not look goes on, one that looks can tell the
 * three apart.
 */
export type SaveResult =
  /** In the database. `duplicate`: it was there before, with the same content; `message` is the first. */
  | {
      readonly status: 'stored';
      readonly message: StoredMessage;
      readonly duplicate: boolean;
      /** How often its batch had to be written again. */
      readonly retries: number;
    }
  /**
   * On this machine's disk, and not known to be in the database: that is away, or slow. It is stored in its place of the
   * order when the database is back, also by the next process that opens the spool.
   */
  | {
      readonly status: 'spooled';
      readonly message: PreparedMessage;
      readonly retries: number;
      readonly error: IndelibleError;
    }
  /**
   * Not known to be in the database within the deadline, and not on disk: there is no spool, or it fails. It waits in
   * memory, in its order, and is lost if the process dies. With `service_closed` nobody waits any more, and whether it was stored is unknown: the same id may be saved again.
   */
  | {
      readonly status: 'pending';
      readonly message: PreparedMessage;
      readonly retries: number;
      readonly error: IndelibleError;
    }
  /** Not stored, and it will not be: `error` says why and what to do. `message` is undefined if it was no message. */
  | {
      readonly status: 'refused';
      readonly message: PreparedMessage | undefined;
      readonly retries: number;
      readonly error: IndelibleError;
    };
