import type { IndelibleEvent, Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { checkId } from '../protocol/message.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';
import type { DraftKey, DraftRecords } from '../store/draftRecords.ts';
import { OpenDraft } from './openDraft.ts';

/** How old text may be before it is written, and how often a plan's drafts are written at most, in ms. */
const writeEveryMs = 250;
/** How often the owner says that it lives, in ms. */
const touchEveryMs = 10_000;
/** How long after its end an answer may wait for its message to be handed over, in ms; then it was given up. */
const messageWithinMs = 10_000;
/** Drafts open at once, and characters of them in all. What is more is shown live and is not durable. */
const maxDrafts = 1_000;
const maxSize = 64 * 1024 * 1024;
/** Rows that wait to be removed. */
const maxGone = 10_000;
/** Drafts, and characters, in one write. */
const maxBatch = 256;
const maxBatchSize = 8 * 1024 * 1024;

export interface DraftWriterOptions {
  readonly drafts: DraftRecords;
  readonly clock: Clock;
  readonly observe: Observer;
  /** Names this process, uniquely. */
  readonly owner: string;
}

/**
 * Keeps answers durable while they are being written. Agents write tokens; here the text so far is put into the store at
 * most every 250 ms, of all plans in one write, and never more than one write at a time:
 *
 *     tokens → text so far ──(250 ms)──→ put        message stored → remove, with the next write
 *                  ↑ only the newest text waits      put fails → again, later and later
 *
 * Guaranteed: whoever kills this process leaves all text that was older than 250 ms and a commit. No call here waits,
 * throws, or is known to the agent. Memory is bounded, also in an outage: a draft is kept whole, not its tokens.
 *
 * What would break it: two writes at once (the older text could come last), or a removal before the message is stored.
 */
export class DraftWriter {
  readonly #options: DraftWriterOptions;
  readonly #open = new Map<string, OpenDraft>();
  /** Rows whose drafts are over. */
  readonly #gone = new Map<string, DraftKey>();
  #size = 0;
  #writing: Promise<void> | undefined;
  #cancelWrite: (() => void) | undefined;
  #cancelTouch: (() => void) | undefined;
  #mustTouch = false;
  #closed = false;
  readonly #backoff = new Backoff({ initialDelayMs: writeEveryMs, maxDelayMs: 5_000 });

  constructor(options: DraftWriterOptions) {
    this.#options = options;
  }

  /** What an agent of this process writes. */
  follow(event: LiveEvent): void {
    if (this.#closed) return;
    if (event.type === 'agent_stream_start') this.#begin(event.planId, event.streamId, event.agentName);
    else if (event.type === 'agent_message_streaming') this.#grow(event);
    else if (event.type === 'agent_stream_end') this.#end(event.planId, event.streamId);
  }

  /** What became of messages: a draft whose message is stored, or refused for good, is over. */
  readonly observe = (event: IndelibleEvent): void => {
    if (this.#open.size === 0) return;
    if (event.type === 'message_stored') this.#drop(keyOf(event.planId, event.messageId));
    else if (event.type === 'message_late' || event.type === 'message_spooled' || event.type === 'message_set_aside') {
      this.#awaits(event.planId, event.messageId);
    } else if (event.type === 'message_refused' && event.messageId !== undefined) {
      // Where it may be taken later, or never was decided, the text so far is all there is.
      if (event.error.status === 503) this.#awaits(event.planId, event.messageId);
      else this.#drop(keyOf(event.planId, event.messageId));
    }
  };

  /** Whether all of this answer's text so far is in the store, by what this process did. */
  hasWritten(planId: string, draftId: string): boolean {
    return this.#open.get(keyOf(planId, draftId))?.isDue === false;
  }

  /** Nobody finishes this answer: it is removed with the next write. */
  giveUp(planId: string, draftId: string): void {
    this.#drop(keyOf(planId, draftId));
  }

  /** Another process writes this answer from now on: forgotten here, and left where it is. */
  handOver(planId: string, draftId: string): void {
    const key = keyOf(planId, draftId);
    this.#size -= this.#open.get(key)?.size ?? 0;
    this.#open.delete(key);
  }

  /**
   * Writes what is not written. Answers that have not ended stay in the store, for others to find; those that ended
   * without a message were given up. Call it when saves are decided. Never rejects; takes at most `timeoutMs`.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    this.#cancelTouch?.();
    this.#cancelWrite?.();
    for (const [key, draft] of this.#open) if (draft.isGivenUp) this.#drop(key);
    this.#cancelWrite?.();
    if (!this.#hasWork && this.#writing === undefined) return;
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.clock.schedule(timeoutMs, resolve);
    });
    await Promise.race([this.#writeLast(), late]);
    cancel();
  }

  async #writeLast(): Promise<void> {
    await this.#writing;
    await this.#write().catch(() => {});
  }

  #begin(planId: string, draftId: string, agentName: string): void {
    const key = keyOf(planId, draftId);
    this.#drop(key);
    if (this.#open.size >= maxDrafts || !isId(planId) || !isId(draftId)) return;
    // Of an answer that is begun anew under its id, the row stays.
    const hasRow = this.#gone.delete(key);
    this.#open.set(key, new OpenDraft(planId, draftId, agentName, hasRow));
  }

  #grow({ planId, streamId, delta, timestamp }: Extract<LiveEvent, { type: 'agent_message_streaming' }>): void {
    const draft = this.#open.get(keyOf(planId, streamId));
    if (draft === undefined) return;
    this.#size += draft.grow(delta, timestamp, maxSize - this.#size);
    this.#scheduleWrite(writeEveryMs);
    this.#scheduleTouch();
  }

  #end(planId: string, draftId: string): void {
    const key = keyOf(planId, draftId);
    const draft = this.#open.get(key);
    if (draft === undefined) return;
    draft.end();
    this.#options.clock.schedule(
      messageWithinMs,
      () => {
        if (this.#open.get(key) === draft && draft.isGivenUp) this.#drop(key);
      },
      'background',
    );
  }

  #awaits(planId: string, draftId: string): void {
    this.#open.get(keyOf(planId, draftId))?.awaitMessage();
  }

  #drop(key: string): void {
    const draft = this.#open.get(key);
    if (draft === undefined) return;
    this.#open.delete(key);
    this.#size -= draft.size;
    if (!draft.isWritten) return;
    // What is not removed for want of room is found by recovery.
    if (this.#gone.size < maxGone) this.#gone.set(key, { planId: draft.planId, draftId: draft.draftId });
    this.#scheduleWrite(writeEveryMs);
  }

  get #hasWork(): boolean {
    return this.#mustTouch || this.#gone.size > 0 || [...this.#open.values()].some((draft) => draft.isDue);
  }

  #scheduleWrite(delayMs: number): void {
    if (this.#cancelWrite !== undefined || this.#writing !== undefined || this.#closed) return;
    this.#cancelWrite = this.#options.clock.schedule(
      delayMs,
      () => {
        this.#cancelWrite = undefined;
        this.#writing = this.#writeOnce();
      },
      'background',
    );
  }

  async #writeOnce(): Promise<void> {
    const { clock, observe } = this.#options;
    const began = clock.monotonic();
    let pauseMs: number;
    try {
      await this.#write();
      this.#backoff.reset();
      pauseMs = Math.max(1, began + writeEveryMs - clock.monotonic());
    } catch (error) {
      pauseMs = this.#backoff.next();
      observe({ type: 'drafts_retried', size: this.#open.size, delayMs: pauseMs, error });
    }
    this.#writing = undefined;
    if (this.#hasWork) this.#scheduleWrite(pauseMs);
  }

  async #write(): Promise<void> {
    const { drafts, owner } = this.#options;
    const due = new Map([...this.#open].filter(([, draft]) => draft.isDue));
    while (due.size > 0) {
      const batch = this.#takeBatch(due).map((draft) => ({ draft, written: draft.write(owner) }));
      if (batch.length === 0) break;
      await drafts.put(batch.map(({ written }) => written));
      for (const { draft, written } of batch) draft.wrote(written);
    }
    if (this.#mustTouch) {
      await drafts.touch(owner, this.#timestamp());
      this.#mustTouch = false;
    }
    await this.#removeGone();
  }

  /** Last, so that what is written does not depend on it. */
  async #removeGone(): Promise<void> {
    const gone = [...this.#gone];
    if (gone.length === 0) return;
    await this.#options.drafts.remove(gone.map(([, draft]) => draft));
    for (const [key, draft] of gone) if (this.#gone.get(key) === draft) this.#gone.delete(key);
  }

  /** Takes as many as one write may hold, without those that are over by now. */
  #takeBatch(due: Map<string, OpenDraft>): OpenDraft[] {
    const batch: OpenDraft[] = [];
    let size = 0;
    for (const [key, draft] of due) {
      size += draft.size;
      if (batch.length === maxBatch || (size > maxBatchSize && batch.length > 0)) break;
      due.delete(key);
      if (this.#open.get(key) === draft) batch.push(draft);
    }
    return batch;
  }

  #scheduleTouch(): void {
    if (this.#cancelTouch !== undefined) return;
    this.#cancelTouch = this.#options.clock.schedule(
      touchEveryMs,
      () => {
        this.#cancelTouch = undefined;
        if (this.#open.size === 0) return;
        this.#mustTouch = true;
        this.#scheduleWrite(1);
        this.#scheduleTouch();
      },
      'background',
    );
  }

  #timestamp(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

function keyOf(planId: string, draftId: string): string {
  return `${planId}\n${draftId}`;
}

function isId(text: string): boolean {
  try {
    checkId(text, 'id');
    return true;
  } catch (error) {
    if (IndelibleError.is(error)) return false;
    throw error;
  }
}
