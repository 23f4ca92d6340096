import type { StoredMessage } from '../../src/protocol/message.ts';
import {
  type CommitListener,
  type LogPage,
  type LogPosition,
  logStart,
  type MessageLog,
  type PlanCommit,
} from '../../src/store/messageLog.ts';

export type Hint = 'told' | 'twice' | 'unknown' | 'head' | 'lost';

/**
 * A log of one plan in memory, whose answers come when the test lets them: `delay` is awaited before and after what is
 * answered is looked up, as a question and its answer travel.
 */
export class ModelLog implements MessageLog {
  readonly epoch = 'model';
  reads = 0;
  readonly #delay: (what: string) => Promise<void>;
  /** Messages of a page, which then ends for its size. */
  readonly #pageLength: number;
  readonly #listeners = new Set<CommitListener>();
  #messages: StoredMessage[] = [];
  #updates = 0;
  #trimmed = 0;

  constructor(delay: (what: string) => Promise<void>, pageLength: number) {
    this.#delay = delay;
    this.#pageLength = pageLength;
  }

  get head(): LogPosition {
    return { sequence: this.#messages.length, revision: this.#updates };
  }

  get trimmedUpTo(): number {
    return this.#trimmed;
  }

  /** All that was not trimmed, as it is now. */
  get all(): readonly StoredMessage[] {
    return this.#messages.slice(this.#trimmed);
  }

  commit(count: number, hint: Hint): void {
    const messages = Array.from({ length: count }, (_, index): StoredMessage => {
      const sequence = this.#messages.length + index + 1;
      const messageId = `m${sequence}`;
      return { planId: 'plan', messageId, sequence, version: 1, revision: 0, body: `${messageId} v1` };
    });
    this.#messages.push(...messages);
    this.#tell({ planId: 'plan', head: this.head, messages, updates: [] }, hint);
  }

  /** Updates one of those that are there. */
  change(which: number, hint: Hint): void {
    const left = this.#messages.length - this.#trimmed;
    if (left === 0) return;
    const index = this.#trimmed + (which % left);
    const before = this.#messages[index] as StoredMessage;
    const version = before.version + 1;
    const body = `${before.messageId} v${version}`;
    const after = { ...before, version, revision: ++this.#updates, body };
    this.#messages[index] = after;
    this.#tell({ planId: 'plan', head: this.head, messages: [], updates: [after] }, hint);
  }

  /** So many more of those that are there. */
  trimBy(count: number): void {
    this.#trimmed = Math.min(this.#messages.length, this.#trimmed + count);
  }

  async trim(_planId: string, upTo: number): Promise<number> {
    this.trimBy(upTo - this.#trimmed);
    return this.#trimmed;
  }

  async read(_planId: string, after: LogPosition): Promise<LogPage> {
    this.reads++;
    await this.#delay('read is asked');
    const all = this.#messages.slice(Math.max(after.sequence, this.#trimmed));
    const messages = all.slice(0, this.#pageLength);
    const changed = this.all
      .filter(({ revision }) => revision > after.revision)
      .sort((one, other) => one.revision - other.revision);
    const updates = changed.slice(0, this.#pageLength);
    const page: LogPage = {
      messages,
      updates,
      position: {
        sequence: messages.at(-1)?.sequence ?? after.sequence,
        revision: updates.at(-1)?.revision ?? after.revision,
      },
      trimmed: this.#trimmed,
      more: messages.length === this.#pageLength || updates.length === this.#pageLength,
    };
    await this.#delay('read is answered');
    return page;
  }

  async heads(): Promise<ReadonlyMap<string, LogPosition>> {
    await this.#delay('heads are asked');
    const { head } = this;
    await this.#delay('heads are answered');
    return new Map([['plan', head.sequence === 0 ? logStart : head]]);
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  append = never;
  update = never;
  find = never;

  #tell(commit: PlanCommit, hint: Hint): void {
    if (hint === 'lost') return;
    const told = hint === 'unknown' ? hint : [hint === 'head' ? { ...commit, messages: [], updates: [] } : commit];
    for (const listener of this.#listeners) listener(told);
    if (hint === 'twice') for (const listener of this.#listeners) listener(told);
  }
}

function never(): Promise<never> {
  throw new Error('the test writes by commit and change');
}
