import type { AgentMessage, NewMessage } from '../protocol/message.ts';

/**
 * What an adapter of an agent library needs: a place to save messages, and where somebody may be watching, a way to
 * show an answer while it is being written. `Indelible` is one; a test can be another.
 */
export interface AgentLog {
  /** Resolves when the message is stored, or when it is clear that it is not (yet). Never rejects. */
  save(message: NewMessage): Promise<unknown>;
  /**
   * The message of that id, undefined if there is none; rejects where the database cannot say. Absent where nothing can
   * be looked up: then the answers of a task that is executed again are in the log twice.
   */
  find?(planId: string, messageId: string): Promise<FoundMessage | undefined>;
  /** Absent where nobody can watch. */
  readonly live?: LiveChannel;
}

/**
 * Shows an answer while it is being written. It is not in the log until its message is saved, under the same id as the
 * stream; until then the text so far is kept as a draft. No call throws or waits.
 */
export interface LiveChannel {
  streamStarted(planId: string, streamId: string, agentName: string): void;
  streamDelta(planId: string, streamId: string, agentName: string, delta: string): void;
  /** `text`: the whole answer. Its message is saved after this. */
  streamEnded(planId: string, streamId: string, agentName: string, text: string): void;
}

export type AgentLogMessage = NewMessage;

/** What is looked at of a message that is there. */
export type FoundMessage = Pick<AgentMessage, 'content' | 'metadata'>;
