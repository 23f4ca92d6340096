import type { StoredMessage } from '../protocol/message.ts';

/**
 * Whoever can show a stored message to watchers; the server's `WebSocketManager` is one. Called once for each stored
 * message, in the order of its plan.
 */
export interface Broadcaster {
  /** How many watchers have been sent the message. May fail or hang: nobody but the result of this message notices. */
  broadcast(message: StoredMessage): number | Promise<number>;
}
