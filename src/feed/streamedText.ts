import type { LiveEvent } from '../protocol/liveEvent.ts';

/** Text kept of one answer, in characters; what is longer keeps its beginning. */
const maxText = 1024 * 1024;
/** Plans remembered: who begins answers and never ends them makes the oldest be forgotten, not the memory full. */
const maxPlans = 1_000;

/**
 * The text so far of answers that are being streamed, for a page that is loaded in the middle of one. In memory, one
 * answer per plan (the latest begun): a draft that outlives the process comes with a later version.
 */
export class StreamedText {
  readonly #streams = new Map<string, { readonly streamId: string; text: string }>();

  of(planId: string): string | null {
    return this.#streams.get(planId)?.text ?? null;
  }

  follow(event: LiveEvent): void {
    if (event.type === 'agent_stream_start') {
      this.#begin(event.planId, event.streamId);
    } else if (event.type === 'agent_message_streaming') {
      const stream = this.#streams.get(event.planId);
      if (stream?.streamId === event.streamId && stream.text.length < maxText) stream.text += event.delta;
    } else if (event.type === 'agent_stream_end') {
      if (this.#streams.get(event.planId)?.streamId === event.streamId) this.#streams.delete(event.planId);
    }
  }

  #begin(planId: string, streamId: string): void {
    this.#streams.delete(planId);
    this.#streams.set(planId, { streamId, text: '' });
    if (this.#streams.size <= maxPlans) return;
    for (const oldest of this.#streams.keys()) {
      this.#streams.delete(oldest);
      return;
    }
  }
}
