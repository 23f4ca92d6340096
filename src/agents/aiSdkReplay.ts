import type { UIMessageChunk } from 'ai';
import type { WireMessageBody } from '../protocol/messageBytes.ts';
import { chunksOf } from './aiSdkChunks.ts';
import { isToolAnswer } from './aiSdkConversation.ts';

/** An answer that is being written, as `indelible.v1` tells of it. */
export interface DraftPiece {
  readonly draft_id: string;
  /** Where `text` begins in the whole, in UTF-16 code units. */
  readonly offset: number;
  readonly text: string;
}

/**
 * One answer of a chat, told to a page from its beginning: first what the log has, then what is being written, then what
 * comes. Whatever way it came, in pieces or whole, first by a draft or at once, the page ends with the same message.
 * Messages may come twice; pieces of a draft may overlap, or be missing in between (then the whole comes again).
 */
export class AiSdkReplay {
  readonly #told = new Set<string>();
  #draft: { readonly id: string; text: string; hasPart: boolean } | undefined;
  #isInStep = false;

  begin(messageId: string): UIMessageChunk[] {
    return [{ type: 'start', messageId }];
  }

  message(message: WireMessageBody): UIMessageChunk[] {
    if (this.#told.has(message.message_id)) return [];
    this.#told.add(message.message_id);
    if (isToolAnswer(message)) return chunksOf(message);
    const draft = this.#draft?.id === message.message_id ? this.#draft : undefined;
    if (draft === undefined) return [...this.#nextStep(), ...chunksOf(message)];
    this.#draft = undefined;
    const chunks = chunksOf(message);
    return this.#continued(draft, chunks) ?? [{ type: 'reset-step' }, ...chunks];
  }

  /** The message goes on where its draft is, if text and what stands behind it is all there is to it. */
  #continued(
    draft: { readonly id: string; readonly text: string; readonly hasPart: boolean },
    chunks: readonly UIMessageChunk[],
  ): UIMessageChunk[] | undefined {
    if (!draft.hasPart) return [...chunks];
    const [start, delta, end, ...others] = chunks;
    const isText = start?.type === 'text-start' && delta?.type === 'text-delta' && end?.type === 'text-end';
    const hasMoreText = others.some((chunk) => chunk.type === 'text-start');
    if (!isText || hasMoreText || !delta.delta.startsWith(draft.text)) return undefined;
    const origin = start.providerMetadata === undefined ? {} : { providerMetadata: start.providerMetadata };
    return [
      { type: 'text-delta', id: draft.id, delta: delta.delta.slice(draft.text.length), ...origin },
      { ...end, id: draft.id },
      ...others,
    ];
  }

  draft(piece: DraftPiece): UIMessageChunk[] {
    if (this.#told.has(piece.draft_id)) return [];
    const chunks: UIMessageChunk[] = [];
    if (this.#draft?.id !== piece.draft_id) {
      // Of two answers that are written at a time, the page is shown one, and the other when it is whole.
      if (this.#draft !== undefined || piece.offset > 0) return [];
      chunks.push(...this.#nextStep());
      this.#draft = { id: piece.draft_id, text: '', hasPart: false };
    }
    const draft = this.#draft;
    if (piece.offset > draft.text.length) return chunks;
    const text = draft.text.slice(0, piece.offset) + piece.text;
    // A piece that says again what is known already adds nothing.
    if (draft.text.startsWith(text)) return chunks;
    if (!text.startsWith(draft.text)) {
      chunks.push({ type: 'reset-step' });
      Object.assign(draft, { text: '', hasPart: false });
    }
    if (!draft.hasPart) chunks.push({ type: 'text-start', id: draft.id });
    chunks.push({ type: 'text-delta', id: draft.id, delta: text.slice(draft.text.length) });
    Object.assign(draft, { text, hasPart: true });
    return chunks;
  }

  get isWriting(): boolean {
    return this.#draft !== undefined;
  }

  end(): UIMessageChunk[] {
    const open: UIMessageChunk[] = this.#draft?.hasPart ? [{ type: 'text-end', id: this.#draft.id }] : [];
    return [...open, ...(this.#isInStep ? [{ type: 'finish-step' } as const] : []), { type: 'finish' }];
  }

  #nextStep(): UIMessageChunk[] {
    const chunks: UIMessageChunk[] = this.#isInStep ? [{ type: 'finish-step' }] : [];
    this.#isInStep = true;
    return [...chunks, { type: 'start-step' }];
  }
}
