import type { StoredMessage } from '../protocol/message.ts';
import type { Clock } from '../resilience/clock.ts';
import type { LogPage, LogPosition, MessageLog, PlanCommit } from '../store/messageLog.ts';
import { Flights } from './flights.ts';
import { KeptPages } from './keptPages.ts';

/** Messages of a page; pages begin behind multiples of it, so that readers at different places share them. */
const pageSize = 250;

export interface LogPagesOptions {
  readonly log: Pick<MessageLog, 'read' | 'epoch'>;
  readonly clock: Clock;
  /** What is kept of pages, in bytes, about. */
  readonly maxBytes: number;
}

/**
 * The log as its readers read it: what many ask for is read once. A thousand clients that come back after a break cost
 * the reads of one.
 *
 * Guaranteed to each reader, as by `MessageLog.read`: what it is given continues right behind its position, has nothing
 * of before it asked missing, and says at least what the log said at the revision it has seen. Arrays of messages are
 * the same objects for all who are given the same, so that a frame can be built once for all of them.
 *
 * Kept are full pages, which only an update, a trim or another log can change; and each plan's last page, which is given
 * only to a reader that knows, from the log and from after it came, that the plan still ends there.
 *
 * What would break it: giving a kept page to a reader that has seen a revision beyond the page's: an update between the
 * two, of a message on the page, would never reach it.
 */
export class LogPages {
  readonly #log: Pick<MessageLog, 'read' | 'epoch'>;
  readonly #flights: Flights<LogPage>;
  readonly #kept: KeptPages;
  #epoch: string | undefined;

  constructor({ log, clock, maxBytes }: LogPagesOptions) {
    this.#log = log;
    this.#flights = new Flights(clock);
    this.#kept = new KeptPages(clock, maxBytes);
  }

  /** `head`: how far the plan's log goes, if that was asked after whatever made the reader read. */
  async read(planId: string, after: LogPosition, head?: LogPosition): Promise<LogPage> {
    this.#forgetOther();
    if (head !== undefined && after.sequence >= head.sequence && after.revision >= head.revision) return end(after);
    const known = this.#full(planId, after) ?? (head && this.#last(planId, after, head));
    if (known !== undefined) return known;
    const from = head !== undefined && head.sequence > after.sequence ? onGrid(after.sequence) : after.sequence;
    const page = await this.#shared(planId, { sequence: from, revision: after.revision });
    if (from === after.sequence || page.position.sequence > after.sequence) return this.#behind(page, after.sequence);
    return this.#shared(planId, after); // a page so large that it does not get there from the grid
  }

  /** Something was committed by this process. */
  committed({ planId, head, updates }: PlanCommit): void {
    if (updates.length > 0) this.#kept.updated(planId, head.revision, updates);
  }

  /** The log is another one. */
  forget(): void {
    this.#kept.clear();
  }

  #shared(planId: string, from: LogPosition): Promise<LogPage> {
    return this.#flights.ask(`${from.sequence} ${from.revision} ${planId}`, async () => {
      this.#forgetOther();
      const known = this.#full(planId, from);
      if (known !== undefined) return known;
      const { history } = this.#kept;
      const page = await this.#log.read(planId, from, pageSize);
      if (history === this.#kept.history) this.#keep(planId, from.sequence, page);
      return page;
    });
  }

  #keep(planId: string, from: number, { messages, updates, position, trimmed, more }: LogPage): void {
    if (trimmed > 0) this.#kept.trimmed(planId, trimmed);
    if (messages[0]?.sequence !== from + 1) return;
    const full = messages.length === pageSize || (more && updates.length === 0);
    // Large messages fill a page before the grid does: it is kept where it begins.
    const shared = from % pageSize === 0 || messages.length < pageSize;
    if (full ? shared : !more) this.#kept.add({ planId, from, messages, position, full });
  }

  #full(planId: string, { sequence, revision }: LogPosition): LogPage | undefined {
    const page = this.#kept.full(planId, sequence) ?? this.#kept.full(planId, onGrid(sequence));
    if (page === undefined || page.position.revision < revision || page.position.sequence <= sequence) return undefined;
    const { messages, position } = page;
    const to = { sequence: position.sequence, revision };
    return this.#behind({ messages, updates: [], position: to, trimmed: 0, more: true }, sequence);
  }

  /** The plan's last page, if it ends at the head and the reader has seen all updates. */
  #last(planId: string, after: LogPosition, head: LogPosition): LogPage | undefined {
    const page = this.#kept.last(planId);
    if (page === undefined || page.from > after.sequence || after.revision !== head.revision) return undefined;
    const { messages, position } = page;
    if (position.sequence !== head.sequence || position.revision !== head.revision) return undefined;
    return this.#behind({ messages, updates: [], position, trimmed: 0, more: false }, after.sequence);
  }

  #behind(page: LogPage, sequence: number): LogPage {
    const first = page.messages[0]?.sequence ?? Number.POSITIVE_INFINITY;
    return first > sequence ? page : { ...page, messages: this.#slice(page.messages, sequence) };
  }

  /** Those who come back after the same break ask for the same part of a page. */
  readonly #slices = new WeakMap<readonly StoredMessage[], { after: number; messages: readonly StoredMessage[] }>();

  #slice(messages: readonly StoredMessage[], after: number): readonly StoredMessage[] {
    const known = this.#slices.get(messages);
    if (known?.after === after) return known.messages;
    const slice = messages.filter(({ sequence }) => sequence > after);
    this.#slices.set(messages, { after, messages: slice });
    return slice;
  }

  #forgetOther(): void {
    const { epoch } = this.#log;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#kept.clear();
  }
}

function onGrid(sequence: number): number {
  return sequence - (sequence % pageSize);
}

function end(position: LogPosition): LogPage {
  return { messages: [], updates: [], position, trimmed: 0, more: false };
}
