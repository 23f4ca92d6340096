import type { OwnedDraft } from '../store/draftRecords.ts';

/** Characters of one draft; what is longer keeps its beginning. */
const maxText = 1024 * 1024;
const maxName = 256;

/** One answer that an agent of this process is writing, and how much of it is written down. */
export class OpenDraft {
  readonly planId: string;
  readonly draftId: string;
  readonly #agentName: string;
  #text = '';
  #updatedAt = '';
  /** Characters that are certainly in the store. */
  #stored = 0;
  /** A write was begun: there may be a row. */
  #written: boolean;
  #ended = false;
  #isCut = false;
  #awaitsMessage = false;

  /** `hasRow`: there may be one already. */
  constructor(planId: string, draftId: string, agentName: string, hasRow: boolean) {
    this.#written = hasRow;
    this.planId = planId;
    this.draftId = draftId;
    // It becomes a message, and those have a name.
    this.#agentName = agentName.slice(0, maxName) || 'agent';
  }

  get size(): number {
    return this.#text.length;
  }

  get isDue(): boolean {
    return this.#text.length > this.#stored;
  }

  get isWritten(): boolean {
    return this.#written;
  }

  /** It ended, and nobody has handed over its message. */
  get isGivenUp(): boolean {
    return this.#ended && !this.#awaitsMessage;
  }

  /**
   * Answers by how many characters it grew, at most `room`. Once some of the text had to be left out it stays as it is:
   * what is kept is a beginning, without a gap.
   */
  grow(delta: string, at: string, room: number): number {
    if (this.#ended || this.#isCut) return 0;
    const kept = delta.slice(0, Math.min(room, maxText - this.#text.length));
    this.#isCut = kept.length < delta.length;
    this.#text += kept;
    this.#updatedAt = at;
    return kept.length;
  }

  end(): void {
    this.#ended = true;
  }

  /** Its message was handed over and is not stored yet: until it is, this is all there is. */
  awaitMessage(): void {
    this.#awaitsMessage = true;
  }

  /** What is to be written now. */
  write(owner: string): OwnedDraft {
    this.#written = true;
    const { planId, draftId } = this;
    return { planId, draftId, agentName: this.#agentName, text: this.#text, updatedAt: this.#updatedAt, owner };
  }

  wrote({ text }: OwnedDraft): void {
    this.#stored = text.length;
  }
}
