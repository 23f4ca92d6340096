import type { DraftPiece } from '../feed/draftPiece.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { encodeFrame, type ServerFrame, spooledFrame, type WireEvent } from '../protocol/liveFrames.ts';
import { FramedRuns } from './framedRun.ts';
import type { Framing } from './framing.ts';

/** What is only live and shown to everybody; how far somebody has read is that user's business. */
export type SharedEvent = Exclude<LiveEvent, { readonly type: 'read_position' }>;
type SmallFrame = Exclude<ServerFrame, { readonly type: 'message' | 'spooled' }>;

/** The bytes of frames in one framing. What goes to several is made once. */
export class LiveFraming {
  readonly runs: FramedRuns;
  readonly #framing: Framing;
  readonly #events = new WeakMap<LiveEvent, Buffer>();

  constructor(framing: Framing) {
    this.#framing = framing;
    this.runs = new FramedRuns(framing);
  }

  frame(frame: SmallFrame): Buffer {
    return this.#framing(encodeFrame(frame), frame.type, 'cursor' in frame ? frame.cursor : undefined);
  }

  /** Undefined for a piece of an answer of whose beginning nothing is known. */
  event(event: SharedEvent, piece: DraftPiece | undefined): Buffer | undefined {
    const made = this.#events.get(event) ?? this.#makeEvent(event, piece);
    if (made !== undefined) this.#events.set(event, made);
    return made;
  }

  draft(planId: string, { draftId, agentName, offset, text, done }: DraftPiece): Buffer {
    const place = { plan_id: planId, draft_id: draftId, agent_name: agentName, offset, text };
    return this.frame({ type: 'draft', ...place, ...(done && { done }) });
  }

  #makeEvent(event: SharedEvent, piece: DraftPiece | undefined): Buffer | undefined {
    switch (event.type) {
      case 'message_spooled':
        return this.#framing(spooledFrame(event.message), 'spooled');
      case 'agent_stream_start':
      case 'agent_message_streaming':
      case 'agent_stream_end':
        return piece && this.draft(event.planId, piece);
      default:
        return this.frame({ type: 'event', plan_id: event.planId, event: wireEvent(event) });
    }
  }
}

/** In wire spelling, without the plan, which the frame names. */
function wireEvent({ planId: _, ...event }: Extract<SharedEvent, { readonly type: WireEvent['type'] }>): WireEvent {
  const members = Object.entries(event).map(([name, value]) => [snakeCase(name), value]);
  return Object.fromEntries(members) as WireEvent;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
