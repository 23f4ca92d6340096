import { type DraftPiece, Drafts, type PlanDraft } from './drafts.ts';
import { MessageRun, type Taken } from './messageRun.ts';
import type { PlanGap, PlanMessage } from './planMessage.ts';

/** A place in the log: opaque text for the server, and the last sequence before it. */
export interface PlanCursor {
  readonly text: string;
  readonly sequence: number;
}

/**
 * All that is known of a plan: its stored messages, those on the way into the database behind them, drafts, and how far
 * the user has read. What it hands out is never changed afterwards: a change makes new arrays, and only of what changed.
 */
export class PlanContents {
  readonly #drafts = new Drafts();
  #run = new MessageRun();
  readonly #spooled = new Map<string, PlanMessage>();
  #cursor: PlanCursor | undefined;
  #read = 0;
  #shownMessages: readonly PlanMessage[] | undefined = [];
  #shownDrafts: readonly PlanDraft[] | undefined = [];
  #shownGaps: readonly PlanGap[] | undefined = [];

  /** Behind which the log is read on; it names nothing that is not held. */
  get cursor(): PlanCursor | undefined {
    return this.#cursor;
  }

  /** What was shown until now goes up to this cursor. */
  moveTo(cursor: string): void {
    this.#cursor = { text: cursor, sequence: this.#run.shown };
  }

  get run(): MessageRun {
    return this.#run;
  }

  /** The stored ones in order, then those on the way in the order in which they came. */
  messages(): readonly PlanMessage[] {
    this.#shownMessages ??= [...this.#run.messages, ...this.#spooled.values()];
    return this.#shownMessages;
  }

  drafts(): readonly PlanDraft[] {
    this.#shownDrafts ??= this.#drafts.all();
    return this.#shownDrafts;
  }

  gaps(): readonly PlanGap[] {
    this.#shownGaps ??= [...this.#run.gaps];
    return this.#shownGaps;
  }

  /** Up to where the user has read. */
  get read(): number {
    return this.#read;
  }

  /** Whether that is further than before. Not beyond the last message. */
  readUpTo(sequence: number): boolean {
    if (!(sequence > this.#read)) return false;
    this.#read = sequence;
    return true;
  }

  /** Stored messages that are held and not read. */
  unread(): number {
    return this.#run.messages.length - this.#run.indexOf(this.#read + 1);
  }

  takeStored(message: PlanMessage): Taken {
    const taken = this.#run.take(message);
    if (taken === 'misfit' || taken === 'known') return taken;
    this.#shownMessages = undefined;
    this.#spooled.delete(message.messageId);
    this.#withoutDraft(message.messageId);
    return taken;
  }

  takeGap(from: number, to: number): Taken {
    const taken = this.#run.miss(from, to);
    if (taken === 'added') this.#shownGaps = undefined;
    return taken;
  }

  /** Whether that changed anything. */
  takeSpooled(message: PlanMessage): boolean {
    if (this.#run.has(message.messageId) || this.#spooled.has(message.messageId)) return false;
    this.#spooled.set(message.messageId, message);
    this.#shownMessages = undefined;
    this.#withoutDraft(message.messageId);
    return true;
  }

  /** Whether that changed anything. */
  takeDraft(piece: DraftPiece): boolean {
    if (this.#run.has(piece.draftId) || this.#spooled.has(piece.draftId) || !this.#drafts.take(piece)) return false;
    this.#shownDrafts = undefined;
    return true;
  }

  /** Takes what was kept, into contents that hold nothing yet. False, and still empty, if it is no run up to a cursor. */
  restore(messages: readonly PlanMessage[], gaps: readonly PlanGap[], cursor: PlanCursor): boolean {
    const rest = [...gaps];
    const fits = messages.every((message) => {
      while (rest[0] !== undefined && rest[0].from < message.sequence) this.#miss(rest.shift());
      return this.takeStored(message) === 'added';
    });
    for (const gap of rest) this.#miss(gap);
    this.#cursor = cursor;
    if (fits && cursor.sequence <= this.#run.last) return true;
    this.clear();
    return false;
  }

  /** The log is about to be shown from behind the cursor. */
  showAgain(): void {
    this.#run.showFrom(this.#cursor?.sequence ?? 0);
  }

  /** The connection was lost. */
  interrupt(): void {
    this.#drafts.interrupt();
  }

  /** Everything there is was told anew. Whether drafts were let go. */
  settle(): boolean {
    if (!this.#drafts.settle()) return false;
    this.#shownDrafts = undefined;
    return true;
  }

  /** Nothing that is known counts. */
  clear(): void {
    this.#run = new MessageRun();
    this.#spooled.clear();
    this.#drafts.interrupt();
    this.#drafts.settle();
    this.#cursor = undefined;
    this.#read = 0;
    this.#shownMessages = [];
    this.#shownDrafts = [];
    this.#shownGaps = [];
  }

  #miss(gap: PlanGap | undefined): void {
    if (gap !== undefined) this.takeGap(gap.from, gap.to);
  }

  #withoutDraft(draftId: string): void {
    if (this.#drafts.remove(draftId)) this.#shownDrafts = undefined;
  }
}
