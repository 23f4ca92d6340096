import type { Draft } from '../protocol/draft.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';

/** Text kept of one answer, in characters; what is longer keeps its beginning. */
export const maxDraftText = 1024 * 1024;
/** Answers remembered: who begins them and never ends them makes the oldest be forgotten, not the memory full. */
const maxDrafts = 1_000;
const maxEnded = 10_000;

type MutableDraft = { -readonly [Member in keyof Draft]: Draft[Member] };

/** The answers that this process knows are being written, each with its text so far; those that ended for a while. */
export class OpenDrafts {
  readonly #plans = new Map<string, Map<string, MutableDraft>>();
  readonly #ended = new Set<string>();
  #count = 0;

  /** A plan's drafts, oldest first. */
  of(planId: string): readonly Draft[] {
    return [...(this.#plans.get(planId)?.values() ?? [])].map((draft) => ({ ...draft }));
  }

  find(planId: string, draftId: string): Draft | undefined {
    return this.#plans.get(planId)?.get(draftId);
  }

  hasEnded(planId: string, draftId: string): boolean {
    return this.#ended.has(keyOf(planId, draftId));
  }

  follow(event: LiveEvent): void {
    if (event.type === 'agent_stream_start') {
      const { planId, streamId, agentName, timestamp } = event;
      this.#ended.delete(keyOf(planId, streamId));
      this.adopt({ planId, draftId: streamId, agentName, text: '', updatedAt: timestamp });
    } else if (event.type === 'agent_message_streaming') {
      const draft = this.#plans.get(event.planId)?.get(event.streamId);
      if (draft === undefined || draft.text.length >= maxDraftText) return;
      draft.text = (draft.text + event.delta).slice(0, maxDraftText);
      draft.updatedAt = event.timestamp;
    } else if (event.type === 'agent_stream_end') {
      this.forget(event.planId, event.streamId);
      this.#ended.add(keyOf(event.planId, event.streamId));
      if (this.#ended.size > maxEnded) this.#forgetOldestEnd();
    }
  }

  /** Takes over a draft as it is. */
  adopt(draft: Draft): void {
    this.forget(draft.planId, draft.draftId);
    const ofPlan = this.#plans.get(draft.planId) ?? new Map<string, MutableDraft>();
    ofPlan.set(draft.draftId, { ...draft });
    this.#plans.set(draft.planId, ofPlan);
    this.#count++;
    if (this.#count > maxDrafts) this.#forgetOldest();
  }

  forget(planId: string, draftId: string): void {
    const ofPlan = this.#plans.get(planId);
    if (!ofPlan?.delete(draftId)) return;
    this.#count--;
    if (ofPlan.size === 0) this.#plans.delete(planId);
  }

  #forgetOldestEnd(): void {
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  #forgetOldest(): void {
    for (const [planId, ofPlan] of this.#plans) {
      for (const draftId of ofPlan.keys()) {
        this.forget(planId, draftId);
        return;
      }
    }
  }
}

function keyOf(planId: string, draftId: string): string {
  return `${planId}\n${draftId}`;
}
