import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';

/**
 * Whoever reads a plan's log live. Calls come one at a time, in order. A call may answer a promise: until it settles,
 * nothing more is given and nothing is buffered for the watcher; it catches up from the log. That is how a slow reader
 * costs bounded memory. One that throws or rejects is dropped; nobody else notices.
 */
export interface Watcher {
  /** The next messages, without gap or repeat. Shared with other watchers: not to be changed. */
  messages(messages: readonly StoredMessage[]): void | Promise<void>;
  /** Messages seen before that say something else now. */
  updates?(messages: readonly StoredMessage[]): void | Promise<void>;
  /** What is only live, in its order among the messages. May be left out for a watcher that is behind. */
  live?(event: LiveEvent): void;
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
