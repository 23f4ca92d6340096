import type { IndelibleError } from './errors.ts';
import type { AgentMessage, PersistenceStatus } from './message.ts';

/**
 * What became of a message at both ends. The two are apart: a socket that fails leaves `databaseSaved` alone, a
 * database that fails is told here and never thrown into the agent.
 */
export interface PersistenceResult {
  readonly status: PersistenceStatus;
  /** The message is in the database: whoever reads now sees it, and a crash does not lose it. */
  readonly databaseSaved: boolean;
  /** At least one watcher was sent it before this was answered. */
  readonly websocketSent: boolean;
  readonly errors: readonly IndelibleError[];
  /**
   * Neither stored nor on disk, and saving again with the same message id may help. What is `pending` is tried again
   * anyway, in its place of the order, while the process lives.
   */
  readonly retryNeeded: boolean;
  /** The message with its tracking; null if it was refused at the door. */
  readonly message: AgentMessage | null;
}
