import type { Draft } from '../protocol/draft.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import type { Clock } from '../resilience/clock.ts';
import type { MessageLog } from '../store/messageLog.ts';
import type { RecordHint } from '../store/recordHint.ts';
import type { Store } from '../store/store.ts';
import { LatestReads } from './latestReads.ts';
import type { OpenDrafts } from './openDrafts.ts';

/** What is kept beside the log, as far as a feed shows it. */
export type Records = Pick<Store, 'drafts' | 'readPositions' | 'onRecordChange'>;

export interface RemoteRecordsOptions {
  readonly records: Records;
  readonly log: Pick<MessageLog, 'find'>;
  readonly clock: Clock;
  readonly open: OpenDrafts;
  readonly publish: (event: LiveEvent) => void;
}

/**
 * Answers that agents of other processes are writing, and what users read elsewhere, shown here as if it were here:
 *
 *     hint → drafts of watched plans, in one query → what is new of each, as `agent_stream_*`
 *
 * A draft that is there when a plan begins to be watched is taken over silently: whoever came asks for its text. A
 * watcher is told that a stream has ended before it is given the message, for {@link settle} is asked before commits are
 * passed on. All of it is only live: a hint that is lost makes text come later, or with its message.
 */
export class RemoteRecords {
  readonly #options: RemoteRecordsOptions;
  /** By plan that is watched, the drafts that came from the store. */
  readonly #foreign = new Map<string, Set<string>>();
  /** Watched plans whose drafts were not read yet. */
  readonly #fresh = new Set<string>();
  readonly #plansToRead = new Set<string>();
  readonly #usersToRead = new Map<string, Set<string>>();
  readonly #latestReads = new LatestReads();
  #reading: Promise<void> | undefined;
  #end: (() => void) | undefined;

  constructor(options: RemoteRecordsOptions) {
    this.#options = options;
  }

  /** Whether this says anything new: a read position may come back as a hint of the process that told it. */
  isNews(event: LiveEvent): boolean {
    return event.type !== 'read_position' || this.#latestReads.isNews(event);
  }

  watch(planId: string): void {
    if (this.#foreign.has(planId)) return;
    this.#foreign.set(planId, new Set());
    this.#fresh.add(planId);
    this.#end ??= this.#options.records.onRecordChange((hints) => this.#hear(hints));
    this.#plansToRead.add(planId);
    this.#read();
  }

  /** Resolves when what is taken over silently of a watched plan has been: whoever asks behind it has at least that. */
  async ready(planId: string): Promise<void> {
    if (this.#fresh.has(planId)) await this.#reading;
  }

  unwatch(planId: string): void {
    for (const draftId of this.#foreign.get(planId) ?? []) this.#options.open.forget(planId, draftId);
    this.#foreign.delete(planId);
    this.#fresh.delete(planId);
    if (this.#foreign.size > 0) return;
    this.#end?.();
    this.#end = undefined;
  }

  /** Whether a draft of another process is open in one of these plans; left out: in any. */
  hasOpen(planId?: string): boolean {
    if (planId !== undefined) return (this.#foreign.get(planId)?.size ?? 0) > 0;
    return [...this.#foreign.values()].some(({ size }) => size > 0);
  }

  /** Ends the drafts whose messages are in the log. Never rejects. */
  async settle(planIds: Iterable<string> = this.#foreign.keys()): Promise<void> {
    const open = [...planIds].flatMap((planId) => [...(this.#foreign.get(planId) ?? [])].map((id) => [planId, id]));
    await Promise.all(open.map(([planId = '', draftId = '']) => this.#endIf(planId, draftId, 'stored')));
  }

  #hear(hints: readonly RecordHint[] | 'unknown'): void {
    if (hints === 'unknown') for (const planId of this.#foreign.keys()) this.#plansToRead.add(planId);
    else for (const hint of hints) if (this.#foreign.has(hint.planId)) this.#note(hint);
    this.#read();
  }

  #note(hint: RecordHint): void {
    if (hint.kind === 'draft') this.#plansToRead.add(hint.planId);
    else {
      const plans = this.#usersToRead.get(hint.userId);
      if (plans) plans.add(hint.planId);
      else this.#usersToRead.set(hint.userId, new Set([hint.planId]));
    }
  }

  /** One read at a time; what is hinted at meanwhile comes with the next. */
  #read(): void {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
  }

  async #readAll(): Promise<void> {
    try {
      while (this.#plansToRead.size + this.#usersToRead.size > 0) {
        const planIds = [...this.#plansToRead].filter((planId) => this.#foreign.has(planId));
        this.#plansToRead.clear();
        if (planIds.length > 0) await this.#readDrafts(planIds);
        const [user] = this.#usersToRead;
        if (user !== undefined) await this.#readPositions(...user);
      }
    } catch {
      // The database is away. A hint that comes later makes up for it.
    }
  }

  async #readDrafts(planIds: readonly string[]): Promise<void> {
    const fresh = new Set(planIds.filter((planId) => this.#fresh.has(planId)));
    // Whoever came asks for the text once. If this fails, what is found later is news to them.
    const drafts = await this.#options.records.drafts.ofPlans(planIds).finally(() => {
      for (const planId of fresh) this.#fresh.delete(planId);
    });
    for (const draft of drafts) this.#show(draft, fresh.has(draft.planId));
    for (const planId of planIds) {
      const there = new Set(drafts.filter((draft) => draft.planId === planId).map(({ draftId }) => draftId));
      const over = [...(this.#foreign.get(planId) ?? [])].filter((draftId) => !there.has(draftId));
      await Promise.all(over.map((draftId) => this.#endIf(planId, draftId, 'stored or given up')));
    }
  }

  #show(draft: Draft, silently: boolean): void {
    const { open, publish } = this.#options;
    const { planId, draftId, agentName, text, updatedAt: timestamp } = draft;
    const foreign = this.#foreign.get(planId);
    if (foreign === undefined || open.hasEnded(planId, draftId)) return;
    const known = open.find(planId, draftId);
    if (known === undefined) {
      foreign.add(draftId);
      if (silently) {
        open.adopt(draft);
        return;
      }
      publish({ type: 'agent_stream_start', planId, timestamp, streamId: draftId, agentName });
    }
    const before = known?.text ?? '';
    if (text.length <= before.length || !text.startsWith(before)) return;
    const delta = text.slice(before.length);
    publish({ type: 'agent_message_streaming', planId, timestamp, streamId: draftId, agentName, delta });
  }

  async #endIf(planId: string, draftId: string, what: 'stored' | 'stored or given up'): Promise<void> {
    const { open, log, clock, publish } = this.#options;
    // While the database is away nobody knows: what is open stays so.
    const message = await log.find(planId, draftId).catch(() => 'unknown' as const);
    if (message === 'unknown' || (message === undefined && what === 'stored')) return;
    const draft = open.find(planId, draftId);
    if (!this.#foreign.get(planId)?.delete(draftId) || draft === undefined) return;
    const text = message === undefined ? draft.text : parseMessageBytes(message.body).content;
    const timestamp = new Date(clock.now()).toISOString();
    publish({ type: 'agent_stream_end', planId, timestamp, streamId: draftId, agentName: draft.agentName, text });
  }

  async #readPositions(userId: string, planIds: ReadonlySet<string>): Promise<void> {
    const { records, clock, publish } = this.#options;
    this.#usersToRead.delete(userId);
    const positions = await records.readPositions.unread(userId, [...planIds]);
    const timestamp = new Date(clock.now()).toISOString();
    for (const [planId, { read }] of positions) {
      if (read > 0) publish({ type: 'read_position', planId, userId, sequence: read, timestamp });
    }
  }
}
