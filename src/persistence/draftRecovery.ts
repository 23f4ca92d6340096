import type { Observer } from '../observe/events.ts';
import type { NewMessage } from '../protocol/message.ts';
import type { Clock } from '../resilience/clock.ts';
import type { DraftKey, DraftRecords, DraftTouch } from '../store/draftRecords.ts';
import { interruptedMessage } from './interruptedAnswer.ts';
import type { SaveResult } from './saveResult.ts';

/** A draft is looked at when nobody has touched it for so long, in ms; its owner does every 10 s. */
const untouchedMs = 30_000;
/**
 * For so long, by its own monotonic clock, this process must have seen a draft stay untouched, in ms: more than the owner
 * lets pass between two touches. Clocks of two machines differ, and behind an outage all drafts look abandoned.
 */
const seenMs = 12_000;
const lookEveryMs = 15_000;
/** After the start of a process, in ms. */
const firstLookMs = 1_000;
const maxAtOnce = 1_000;

export interface DraftRecoveryOptions {
  readonly drafts: DraftRecords;
  readonly save: (message: NewMessage) => Promise<SaveResult>;
  readonly clock: Clock;
  readonly observe: Observer;
  /** From 0 up to 1. */
  readonly random?: () => number;
}

/**
 * Turns drafts whose writer died into messages: what the agent had written, marked `metadata: {interrupted: true}`,
 * under the id that its message would have had. Any number of processes may do so at once: the id makes it one message.
 *
 * If the message is there already, the draft is only removed. A draft is removed after its message is stored, so a
 * recovery that is killed is made up for by the next one. A writer that was only slow is not lost either: its own save
 * takes the place of what was recovered (`interruptedAnswer.ts`).
 */
export class DraftRecovery {
  readonly #options: DraftRecoveryOptions;
  readonly #random: () => number;
  /** Candidates: how they were touched last, and since when (monotonic ms) they have been seen that way. */
  #seen = new Map<string, { readonly touch: string; readonly since: number }>();
  #cancel: (() => void) | undefined;

  constructor(options: DraftRecoveryOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Looks soon, and from then on every 15 s or so: not all processes at once. Keeps no process alive. */
  start(): void {
    this.#schedule(firstLookMs * this.#random());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Recovers what is abandoned now; answers how many drafts became messages. Rejects as the store does. */
  async look(): Promise<number> {
    const { drafts, clock } = this.#options;
    const before = new Date(clock.now() - untouchedMs).toISOString();
    const candidates = await drafts.abandoned(before, maxAtOnce);
    const now = clock.monotonic();
    const seen = new Map<string, { touch: string; since: number }>();
    for (const candidate of candidates) {
      const touch = `${candidate.owner} ${candidate.touchedAt}`;
      const known = this.#seen.get(keyOf(candidate));
      seen.set(keyOf(candidate), known?.touch === touch ? known : { touch, since: now });
    }
    this.#seen = seen;
    let recovered = 0;
    for (const candidate of candidates) {
      const { since = now } = seen.get(keyOf(candidate)) ?? {};
      if (now - since >= seenMs && (await this.#recover(candidate))) recovered++;
    }
    return recovered;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#options.clock.schedule(
      Math.max(1, delayMs),
      () => {
        this.#schedule(lookEveryMs * (0.85 + 0.3 * this.#random()));
        // The database is away: the next look comes.
        this.look().catch(() => {});
      },
      'background',
    );
  }

  async #recover(touched: DraftTouch): Promise<boolean> {
    const { drafts, observe } = this.#options;
    const { planId, draftId } = touched;
    const draft = (await drafts.ofPlans([planId])).find((one) => one.draftId === draftId);
    let saved = false;
    if (draft !== undefined && draft.text !== '') {
      const result = await this.#options.save(interruptedMessage(draft));
      const isTaken = result.status === 'refused' && result.error.code === 'message_conflict';
      // Left where it is: it may go later, and text that no message can hold is better as a draft than gone.
      if (result.status !== 'stored' && !isTaken) return false;
      saved = result.status === 'stored';
    }
    await drafts.remove([{ planId, draftId }]);
    this.#seen.delete(keyOf(touched));
    if (saved) observe({ type: 'draft_recovered', planId, messageId: draftId });
    return saved;
  }
}

function keyOf({ planId, draftId }: DraftKey): string {
  return `${planId}\n${draftId}`;
}
