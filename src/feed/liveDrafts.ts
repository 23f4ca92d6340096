import type { Draft } from '../protocol/draft.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';

/** A piece of an answer that is being written. */
export interface DraftPiece {
  /** The id of the message that it becomes. */
  readonly draftId: string;
  readonly agentName: string;
  /** Where in the answer `text` begins, in UTF-16 code units; what was there from here on is replaced. */
  readonly offset: number;
  readonly text: string;
  /** No more comes. */
  readonly done: boolean;
}

/** Text kept of one answer, in characters; of what is longer nothing is kept behind this. */
const maxText = 1024 * 1024;
/** Answers at once, over all plans: who begins answers and never ends them makes the oldest be forgotten. */
const maxDrafts = 1_000;

/** The answers that are being streamed by this process, and where in them each piece belongs. */
export class LiveDrafts {
  readonly #drafts = new Map<string, { draft: Draft; length: number }>();

  /** The plan's answers so far, oldest first. */
  of(planId: string): readonly Draft[] {
    return [...this.#drafts.values()].flatMap(({ draft }) => (draft.planId === planId ? [draft] : []));
  }

  /** The piece that an event is; undefined if it is none, or of an answer whose beginning was not seen. */
  follow(event: LiveEvent): DraftPiece | undefined {
    switch (event.type) {
      case 'agent_stream_start':
        return this.#begin(event);
      case 'agent_message_streaming':
        return this.#add(event);
      case 'agent_stream_end':
        return this.#end(event);
      default:
        return undefined;
    }
  }

  #begin({ planId, streamId: draftId, agentName, timestamp: updatedAt }: StreamEvent): DraftPiece {
    const draft = { planId, draftId, agentName, text: '', updatedAt };
    const key = keyOf(planId, draftId);
    this.#drafts.delete(key);
    this.#drafts.set(key, { draft, length: 0 });
    for (const oldest of this.#drafts.keys()) {
      if (this.#drafts.size <= maxDrafts) break;
      this.#drafts.delete(oldest);
    }
    return { draftId, agentName, offset: 0, text: '', done: false };
  }

  #add({ planId, streamId: draftId, agentName, timestamp, delta }: StreamEvent & { readonly delta: string }) {
    const known = this.#drafts.get(keyOf(planId, draftId));
    if (known === undefined) return undefined;
    const { draft, length: offset } = known;
    const text = offset < maxText ? draft.text + delta : draft.text;
    known.draft = { ...draft, text, updatedAt: timestamp };
    known.length += delta.length;
    return { draftId, agentName, offset, text: delta, done: false };
  }

  /** The whole text is sent again only if it is not what the pieces made. */
  #end({ planId, streamId: draftId, agentName, text }: StreamEvent & { readonly text: string }): DraftPiece {
    const key = keyOf(planId, draftId);
    const known = this.#drafts.get(key);
    this.#drafts.delete(key);
    const offset = known?.draft.text === text ? text.length : 0;
    return { draftId, agentName, offset, text: text.slice(offset), done: true };
  }
}

interface StreamEvent {
  readonly planId: string;
  readonly timestamp: string;
  readonly streamId: string;
  readonly agentName: string;
}

/** Ids hold no slashes. */
function keyOf(planId: string, draftId: string): string {
  return `${planId}/${draftId}`;
}
