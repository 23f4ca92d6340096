import type { PreparedMessage, StoredMessage } from '../protocol/message.ts';

/**
 * Whoever can show a stored message to watchers; the server's `WebSocketManager` is one. Called for each
 * message that was stored in time, in the order of its plan, and again when one is saved again; what was stored late comes
 * from the log, as everything does.
 */
export interface Broadcaster {
  /** How many watchers have been sent the message. May fail or hang: nobody but the result of this message notices. */
  broadcast(message: StoredMessage): number | Promise<number>;
  /** How many watchers were shown a message that is on disk and not yet in the database, marked as such. */
  shownSpooled?(message: PreparedMessage): number;
}
