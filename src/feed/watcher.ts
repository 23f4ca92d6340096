import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { LogPosition } from '../store/messageLog.ts';
import type { DraftPiece } from './draftPiece.ts';

/**
 * Whoever reads a plan's log live. Calls come one at a time, in order. A call may answer a promise: until it settles,
 * nothing more is given and nothing is buffered for the watcher; it catches up from the log. That is how a slow reader
 * costs bounded memory. One that throws or rejects is dropped; nobody else notices.
 */
export interface Watcher {
  /**
   * The next messages, without gap or repeat. Shared with other watchers: not to be changed. `to` is the place in the
   * log of whoever has them and all that was given before.
   */
  messages(messages: readonly StoredMessage[], to: LogPosition): void | Promise<void>;
  /** Messages seen before that say something else now. */
  updates?(messages: readonly StoredMessage[], to: LogPosition): void | Promise<void>;
  /** The messages `from` to `to` were trimmed and cannot be had. The next is `to + 1`. */
  gap?(from: number, to: number): void;
  /**
   * What is only live, in its order among the messages. May be left out for a watcher that is behind. `piece` says where
   * in an answer a streamed one belongs.
   */
  live?(event: LiveEvent, piece?: DraftPiece): void;
  /** Something that is only live was left out. */
  missed?(): void;
  /** The watcher was given all there was: from now on it is live. Said once. */
  caughtUp?(): void;
  /**
   * The database was replaced or restored: what was given may not be what it holds. The log follows again from its
   * beginning. A watcher without this is dropped instead, with `log_replaced`.
   */
  reset?(): void;
  /** The watcher was dropped. */
  dropped?(reason: unknown): void;
}
