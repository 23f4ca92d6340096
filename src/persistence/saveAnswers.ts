import type { Observer } from '../observe/events.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { QueuedSave } from './queuedSave.ts';
import type { SaveResult } from './saveResult.ts';

export interface StoredAs {
  readonly message: StoredMessage;
  readonly duplicate: boolean;
  /** It was on disk until now. */
  readonly spooled: boolean;
}

/** Says what became of saves: to the observer whenever it happens, to the caller once. */
export class SaveAnswers {
  readonly #observe: Observer;
  readonly #monotonic: () => number;

  constructor(observe: Observer, monotonic: () => number) {
    this.#observe = observe;
    this.#monotonic = monotonic;
  }

  stored(save: QueuedSave, { message, duplicate, spooled }: StoredAs): void {
    const { planId, messageId } = message;
    const { retries } = save;
    const waitedMs = this.#monotonic() - save.acceptedAt;
    this.#observe({ type: 'message_stored', planId, messageId, waitedMs, retries, duplicate, spooled });
    answer(save, { status: 'stored', message, duplicate, retries });
  }

  spooled(save: QueuedSave): void {
    const { message, retries } = save;
    const { planId, messageId } = message;
    this.#observe({ type: 'message_spooled', planId, messageId, waitedMs: this.#monotonic() - save.acceptedAt });
    answer(save, { status: 'spooled', message, retries, error: new IndelibleError('spooled') });
  }

  refused(save: QueuedSave, error: IndelibleError): void {
    const { message, retries } = save;
    const { planId, messageId } = message;
    this.#observe({ type: 'message_refused', planId, messageId, error });
    answer(save, { status: 'refused', message, retries, error });
  }

  /** Not stored in time and not on disk: it waits in memory, or nobody waits any more. */
  pending(save: QueuedSave, error: IndelibleError): void {
    if (save.answered) return;
    const { message, retries } = save;
    this.#observe({ type: 'message_late', planId: message.planId, messageId: message.messageId, error });
    answer(save, { status: 'pending', message, retries, error });
  }
}

/** Once; what else is to be said comes too late. */
function answer(save: QueuedSave, result: SaveResult): void {
  if (save.answered) return;
  save.answered = true;
  save.answer(result);
}
