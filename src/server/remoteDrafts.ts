import type { Indelible } from '../agents/indelible.ts';
import { maxDraftText } from '../feed/openDrafts.ts';
import { interruptedMessage } from '../persistence/interruptedAnswer.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import { withinDeadline } from './storeDeadline.ts';

/** Answers that this server follows at once; as many as one process keeps durable. */
const maxDrafts = 1_000;

export interface RemoteDraftsOptions {
  readonly indelible: Indelible;
  /** An agent that says nothing for so long counts as dead, in ms. */
  readonly silenceMs: number;
  readonly storeDeadlineMs: number;
}

/** What an agent says of an answer that it is writing. */
export interface DraftText {
  readonly planId: string;
  readonly draftId: string;
  readonly agentName: string;
  /** Its text from `offset` on; with 0, the whole so far. */
  readonly text: string;
  readonly offset: number;
}

interface RemoteDraft {
  readonly planId: string;
  readonly draftId: string;
  agentName: string;
  /** What was handed on; of an answer that is longer than is kept of one, its beginning. */
  text: string;
  /** What the agent has said, in UTF-16 code units. */
  length: number;
  updatedAt: string;
  cancelSilence: () => void;
}

/**
 * Answers of agents that run elsewhere and write them by calls. This process is the owner of their drafts: it shows them
 * and keeps them durable as if the agents ran here, and stands in for a sign of life that a call cannot give:
 *
 *     put ──→ shown, durable within 250 ms ──→ its message is appended: ended, then saved
 *                  │ silent for `silenceMs`
 *                  └──→ its message is there, or it was given up elsewhere: ended · another server has it by now: let go
 *                       · else: a message, `interrupted`
 *
 * Guaranteed: what was put is shown, in order; the process may be killed as that of an agent may. An agent that was only
 * slow loses nothing either: its whole answer takes the place of the interrupted one, as with every other.
 *
 * What would break it: a draft whose text here is not what the writer of drafts and the watchers have. Where another
 * server writes the same draft, the feed may know more of it than this; then it is begun anew.
 */
export class RemoteDrafts {
  readonly #options: RemoteDraftsOptions;
  readonly #drafts = new Map<string, RemoteDraft>();

  constructor(options: RemoteDraftsOptions) {
    this.#options = options;
  }

  /** Answers by how long the draft is now. @throws IndelibleError `draft_gap`, `too_many_drafts` */
  put({ planId, draftId, agentName, text, offset }: DraftText): number {
    const { live, feed, clock } = this.#options.indelible;
    const known = this.#drafts.get(keyOf(planId, draftId));
    if (offset > (known?.length ?? 0)) {
      const message = `the server has ${known?.length ?? 0} characters of this draft, not ${offset}`;
      throw new IndelibleError('draft_gap', { message, field: 'offset' });
    }
    const before = known?.text ?? '';
    const now = offset > before.length ? before : (before.slice(0, offset) + text).slice(0, maxDraftText);
    const goesOn =
      known?.agentName === agentName && now.startsWith(before) && feed.shownDraft(planId, draftId)?.text === before;
    const draft = known ?? this.#begin(planId, draftId, agentName);
    if (!goesOn) live.streamStarted(planId, draftId, agentName);
    const delta = goesOn ? now.slice(before.length) : now;
    if (delta !== '') live.streamDelta(planId, draftId, agentName, delta);
    const updatedAt = new Date(clock.now()).toISOString();
    Object.assign(draft, { agentName, text: now, length: offset + text.length, updatedAt });
    this.#awaitNext(draft);
    if (known === undefined) void this.#endIfStored(draft);
    return draft.length;
  }

  /** Its message is about to be saved: says so to those who watch. */
  finish(planId: string, draftId: string, text: string): void {
    const draft = this.#drafts.get(keyOf(planId, draftId));
    if (draft !== undefined) this.#end(draft, text);
  }

  /**
   * No message comes of it. Also of a draft that another server was given.
   *
   * @throws IndelibleError `store_unavailable`
   */
  async giveUp(planId: string, draftId: string): Promise<void> {
    const { indelible, storeDeadlineMs } = this.#options;
    const draft = this.#drafts.get(keyOf(planId, draftId));
    if (draft !== undefined) this.#drop(draft, draft.text);
    const removed = indelible.store.drafts.remove([{ planId, draftId }]);
    await withinDeadline(indelible.clock, storeDeadlineMs, removed);
  }

  #begin(planId: string, draftId: string, agentName: string): RemoteDraft {
    if (this.#drafts.size >= maxDrafts) throw new IndelibleError('too_many_drafts');
    const draft = { planId, draftId, agentName, text: '', length: 0, updatedAt: '', cancelSilence: () => {} };
    this.#drafts.set(keyOf(planId, draftId), draft);
    return draft;
  }

  #end(draft: RemoteDraft, text: string): void {
    this.#forget(draft);
    this.#options.indelible.live.streamEnded(draft.planId, draft.draftId, draft.agentName, text);
  }

  #forget(draft: RemoteDraft): void {
    draft.cancelSilence();
    this.#drafts.delete(keyOf(draft.planId, draft.draftId));
  }

  #awaitNext(draft: RemoteDraft): void {
    const { indelible, silenceMs } = this.#options;
    draft.cancelSilence();
    draft.cancelSilence = indelible.clock.schedule(silenceMs, () => void this.#silent(draft), 'background');
  }

  /** A piece that came late, behind its message. Never rejects. */
  async #endIfStored(draft: RemoteDraft): Promise<void> {
    const content = (await this.#lookFor(draft))?.content;
    if (content !== undefined && this.#isHere(draft)) this.#drop(draft, content);
  }

  /** Never rejects. */
  async #silent(draft: RemoteDraft): Promise<void> {
    const { cancelSilence: awaited } = draft;
    const { indelible } = this.#options;
    const found = await this.#lookFor(draft);
    const { planId, draftId, text } = draft;
    if (!this.#isHere(draft) || draft.cancelSilence !== awaited) return;
    const isOurs = found === undefined || found.written === text || !indelible.drafts.hasWritten(planId, draftId);
    if (found?.content !== undefined || text === '') {
      this.#drop(draft, found?.content ?? '');
    } else if (isOurs) {
      this.#end(draft, text);
      const { status } = await indelible.save(interruptedMessage(draft));
      if (status === 'stored') indelible.observe({ type: 'draft_recovered', planId, messageId: draftId });
    } else if (found.written === undefined) {
      this.#drop(draft, text);
    } else {
      this.#forget(draft);
      indelible.drafts.handOver(planId, draftId);
    }
  }

  #isHere(draft: RemoteDraft): boolean {
    return this.#drafts.get(keyOf(draft.planId, draft.draftId)) === draft;
  }

  #drop(draft: RemoteDraft, text: string): void {
    this.#end(draft, text);
    this.#options.indelible.drafts.giveUp(draft.planId, draft.draftId);
  }

  /** What the database says of it: the text of its message, or of the draft. Undefined while it is away. */
  async #lookFor({ planId, draftId }: RemoteDraft): Promise<{ content?: string; written?: string } | undefined> {
    const { indelible, storeDeadlineMs } = this.#options;
    const { log, drafts } = indelible.store;
    try {
      const asked = Promise.all([log.find(planId, draftId), drafts.ofPlans([planId])]);
      const [message, ofPlan] = await withinDeadline(indelible.clock, storeDeadlineMs, asked);
      if (message !== undefined) return { content: parseMessageBytes(message.body).content };
      const row = ofPlan.find((one) => one.draftId === draftId);
      return row === undefined ? {} : { written: row.text };
    } catch {
      return undefined;
    }
  }
}

function keyOf(planId: string, draftId: string): string {
  return `${planId}\n${draftId}`;
}
