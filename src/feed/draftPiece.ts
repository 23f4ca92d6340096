import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { OpenDrafts } from './openDrafts.ts';
import { maxDraftText } from './openDrafts.ts';

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

/**
 * The piece of a draft that an event is, by what is open before it; undefined if it is none, if the answer's beginning was
 * not seen, or if the answer is longer than what is kept of one: the rest comes with its message.
 */
export function draftPiece(event: LiveEvent, open: OpenDrafts): DraftPiece | undefined {
  if (event.type === 'agent_stream_start') {
    return { draftId: event.streamId, agentName: event.agentName, offset: 0, text: '', done: false };
  }
  if (event.type !== 'agent_message_streaming' && event.type !== 'agent_stream_end') return undefined;
  const { planId, streamId: draftId, agentName } = event;
  const before = open.find(planId, draftId)?.text;
  if (event.type === 'agent_message_streaming') {
    if (before === undefined || before.length >= maxDraftText) return undefined;
    return { draftId, agentName, offset: before.length, text: event.delta, done: false };
  }
  // The whole text is sent again only if it is not what the pieces made.
  const offset = before === event.text ? event.text.length : 0;
  return { draftId, agentName, offset, text: event.text.slice(offset), done: true };
}
