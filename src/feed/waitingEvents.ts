import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { PlanCommit } from '../store/messageLog.ts';
import type { DraftPiece } from './draftPiece.ts';

/** Live events kept for a watcher that is just being given messages; what is more is left out. */
const maxWaiting = 256;

export interface WaitingEvent {
  readonly event: LiveEvent;
  readonly piece: DraftPiece | undefined;
  /** The message behind which it comes; undefined while no commit said where that is: behind all there is. */
  behind: number | undefined;
}

/** Live events that wait while their watcher is given messages, each for its place among them. */
export class WaitingEvents {
  #events: WaitingEvent[] = [];
  /** How far the log goes, as far as commits say that were placed. */
  #committed: number | undefined;

  /** False if there is no room. It comes behind what was committed so far. */
  push(event: LiveEvent, piece: DraftPiece | undefined): boolean {
    if (this.#events.length >= maxWaiting) return false;
    this.#events.push({ event, piece, behind: this.#committed });
    return true;
  }

  /** What waits was told before this commit, so it comes before its messages. */
  place({ head, messages }: PlanCommit): void {
    if (messages.length === 0) return;
    for (const waiting of this.#events) waiting.behind ??= head.sequence - messages.length;
    this.#committed = Math.max(this.#committed ?? 0, head.sequence);
  }

  /** What waits of messages that are stored now is over: they are given as they are in the log, and not shown again. */
  stored(messages: readonly StoredMessage[]): void {
    if (!this.#events.some(({ event }) => event.type === 'message_spooled')) return;
    const ids = new Set(messages.map(({ messageId }) => messageId));
    this.#events = this.#events.filter(
      ({ event }) => event.type !== 'message_spooled' || !ids.has(event.message.messageId),
    );
  }

  /** The messages that come before the first that waits. */
  messagesBefore(messages: readonly StoredMessage[]): readonly StoredMessage[] {
    const behind = this.#events[0]?.behind;
    return behind === undefined ? messages : messages.filter(({ sequence }) => sequence <= behind);
  }

  /** The first that waits, if it comes before the message at `sequence`; it waits no longer. */
  takeBefore(sequence: number): WaitingEvent | undefined {
    const behind = this.#events[0]?.behind;
    return behind !== undefined && behind < sequence ? this.#events.shift() : undefined;
  }

  takeAll(): readonly WaitingEvent[] {
    return this.#events.splice(0);
  }

  /** The log is another one now, or nobody is left to be told. */
  clear(): void {
    this.#events = [];
    this.#committed = undefined;
  }
}
