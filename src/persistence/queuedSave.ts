import type { PreparedMessage } from '../protocol/message.ts';
import type { SaveResult } from './saveResult.ts';

/** A message on its way into the log, and whom to tell. */
export interface QueuedSave {
  readonly message: PreparedMessage;
  readonly answer: (result: SaveResult) => void;
  /** Monotonic ms. */
  readonly acceptedAt: number;
  answered: boolean;
  /** Handed to the log at least once: whether it was stored may be unknown. */
  tried: boolean;
  retries: number;
  /**
   * Where it is: waiting in its plan's queue, in the batch that is being written, on disk under `spoolId`, or decided:
   * stored, or never to be. A save that is `spooled` may still be part of a batch whose answer is not known.
   */
  state: 'queued' | 'in_flight' | 'spooled' | 'decided';
  spoolId: number;
}
