import type { ServerFrame } from '../protocol/liveFrames.ts';
import type { Clock } from '../resilience/clock.ts';
import type { FullJitter } from '../resilience/fullJitter.ts';
import { ChangeNotice } from './changeNotice.ts';
import { ClientError } from './clientError.ts';
import type { DraftPiece } from './drafts.ts';
import { KeptPlan, type PlanStorage } from './keptPlan.ts';
import { PlanContents } from './planContents.ts';
import { PlanEmitter, type PlanState, planEvent } from './planEvents.ts';
import { type PlanMessage, planMessage } from './planMessage.ts';
import type { PlanSnapshot } from './planSnapshot.ts';
import type { Subscriptions } from './subscriptions.ts';

/**
 * Drafts of before a break are shown so long behind the end of the catch-up: the server tells them anew when it has looked
 * them up, and a text that vanished meanwhile would only flicker.
 */
const settleAfterMs = 2_000;

export interface PlanWatchOptions {
  readonly planId: string;
  readonly subscriptions: Subscriptions;
  readonly clock: Clock;
  /** Between tries of a subscription that the server refuses. */
  readonly backoff: FullJitter;
  readonly kept: { readonly storage: PlanStorage; readonly key: string } | undefined;
  readonly failed: (error: unknown) => void;
  readonly changed: () => void;
}

/** A frame that is about one plan. */
export type PlanFrame = Extract<ServerFrame, { readonly plan_id?: string }>;

/**
 * One plan, watched: asks the server for it on each connection, puts together what comes, tells listeners.
 *
 *     loading ──→ unconnected ⇄ asked ──→ live
 *                     ↑           ↑ ↓ refused, or what came fits no run
 *                     └───────── refused (tried again, later and later)
 *
 * It holds a run without gaps at every moment, whatever the connection does: a place that is left out, or that another
 * message has, proves that server and client speak of different histories. Then all that is held is void, listeners are
 * told so (`reset`), and the plan is read anew.
 */
export class PlanWatch {
  readonly contents = new PlanContents();
  readonly emitter: PlanEmitter;
  readonly notice: ChangeNotice;
  readonly #planId: string;
  readonly #subscriptions: Subscriptions;
  readonly #clock: Clock;
  readonly #backoff: FullJitter;
  readonly #kept: KeptPlan | undefined;
  readonly #onChange: () => void;
  readonly #wakers = new Set<() => void>();
  #phase: 'loading' | 'unconnected' | 'asked' | 'live' | 'refused' = 'unconnected';
  #isConnected = false;
  /** A connection was there, or was tried in vain. */
  #hasTried = false;
  /** Up to where it was read here, which the server may not know yet. */
  #marked = 0;
  #error: ClientError | undefined;
  #shown: PlanSnapshot | undefined;
  #shownState: PlanState = 'connecting';
  /** Ends the wait for the next try, or for the last drafts. */
  #endPause: (() => void) | undefined;
  #history = 0;
  #closed = false;

  constructor(options: PlanWatchOptions) {
    this.#planId = options.planId;
    this.#subscriptions = options.subscriptions;
    this.#clock = options.clock;
    this.#backoff = options.backoff;
    this.#onChange = options.changed;
    this.emitter = new PlanEmitter(options.failed);
    this.notice = new ChangeNotice(options.clock, options.failed);
    if (options.kept === undefined) return;
    const { storage, key } = options.kept;
    this.#kept = new KeptPlan(storage, key, this.contents, options.clock, options.failed);
    const loading = this.#kept.load();
    if (loading === undefined) return;
    this.#phase = 'loading';
    void loading.then(() => this.#loaded());
  }

  get snapshot(): PlanSnapshot {
    this.#shown ??= {
      messages: this.contents.messages(),
      drafts: this.contents.drafts(),
      gaps: this.contents.gaps(),
      state: this.#state(),
      read: this.contents.read,
      unread: this.contents.unread(),
      error: this.#error,
    };
    return this.#shown;
  }

  /** How often what was held became void. */
  get history(): number {
    return this.#history;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when something has changed, or the watch is closed. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve));
  }

  connected(): void {
    this.#isConnected = true;
    this.#hasTried = true;
    if (this.#phase === 'unconnected') this.#ask();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#hasTried = true;
    this.#endPause?.();
    if (this.#phase !== 'loading') this.#phase = 'unconnected';
    this.contents.interrupt();
    this.#changed();
  }

  received(frame: PlanFrame): void {
    switch (frame.type) {
      case 'message':
        this.#message(planMessage(frame.message, frame), frame.cursor);
        break;
      case 'spooled':
        this.#spooled(planMessage(frame.message));
        break;
      case 'draft':
        this.#draft({ ...frame, draftId: frame.draft_id, agentName: frame.agent_name });
        break;
      case 'event':
        this.emitter.emit('event', planEvent(this.#planId, frame.event));
        break;
      case 'gap':
        this.#gap(frame.from, frame.to);
        break;
      case 'caught_up':
        if (this.contents.run.isAllShown()) this.#caughtUp(frame.cursor);
        else this.#misfit('the end of the log');
        break;
      case 'read':
        this.#readElsewhere(frame.sequence);
        break;
      case 'reset':
        this.#void();
        break;
      case 'error':
        this.#refused(new ClientError(frame.code, frame.message, { remedy: frame.remedy }));
        break;
    }
  }

  /** The user has read up to there, which is at most the last message that is held; lower than before has no effect. */
  markRead(sequence = this.contents.run.last): void {
    const upTo = Math.min(sequence, this.contents.run.last);
    if (!this.contents.readUpTo(upTo)) return;
    this.#marked = upTo;
    if (this.#phase === 'asked' || this.#phase === 'live') this.#subscriptions.read(this.#planId, upTo);
    this.#changed();
  }

  /** Keeps now what is to be kept. */
  flush(): void {
    this.#kept?.flush();
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#endPause?.();
    if (this.#phase === 'asked' || this.#phase === 'live') this.#subscriptions.end(this.#planId);
    this.#wake();
  }

  #loaded(): void {
    if (this.#closed) return;
    this.#phase = 'unconnected';
    if (this.#isConnected) this.#ask();
    this.#changed();
  }

  #ask(): void {
    this.contents.showAgain();
    this.#phase = 'asked';
    this.#subscriptions.begin(this.#planId, this.contents.cursor?.text);
    this.#changed();
  }

  #message(message: PlanMessage, cursor: string | undefined): void {
    const taken = this.contents.takeStored(message);
    if (taken === 'misfit') this.#misfit(`message ${message.sequence}`);
    else if (cursor !== undefined) this.#moveTo(cursor);
    if (taken !== 'added' && taken !== 'replaced') return;
    this.#error = undefined;
    this.#changed();
    this.emitter.emit(taken === 'added' ? 'message' : 'update', message);
  }

  #spooled(message: PlanMessage): void {
    if (!this.contents.takeSpooled(message)) return;
    this.#changed();
    this.emitter.emit('spooled', message);
  }

  #draft(piece: DraftPiece): void {
    if (this.contents.takeDraft(piece)) this.#changed();
  }

  #gap(from: number, to: number): void {
    const taken = this.contents.takeGap(from, to);
    if (taken === 'misfit') this.#misfit(`a gap from ${from} to ${to}`);
    const gap = this.contents.run.gaps.at(-1);
    if (taken !== 'added' || gap === undefined) return;
    this.#changed();
    this.emitter.emit('gap', gap);
  }

  #caughtUp(cursor: string): void {
    this.#moveTo(cursor);
    this.#phase = 'live';
    this.#error = undefined;
    this.#backoff.reset();
    this.#endPause?.();
    this.#endPause = this.#clock.schedule(settleAfterMs, () => this.#settle(), 'background');
    this.#changed();
  }

  #settle(): void {
    if (this.contents.settle()) this.#changed();
  }

  #moveTo(cursor: string): void {
    this.contents.moveTo(cursor);
    this.#kept?.changed();
  }

  #readElsewhere(sequence: number): void {
    if (sequence < this.#marked) this.#subscriptions.read(this.#planId, this.#marked);
    if (this.contents.readUpTo(sequence)) this.#changed();
  }

  #misfit(what: string): void {
    const { last } = this.contents.run;
    this.#void();
    if (this.#phase === 'asked' || this.#phase === 'live') this.#subscriptions.end(this.#planId);
    this.#refused(new ClientError('server_unreachable', `the server sent ${what} to a client that had up to ${last}`));
  }

  #void(): void {
    this.contents.clear();
    this.#marked = 0;
    this.#history++;
    this.#changed();
    this.emitter.emit('reset', undefined);
  }

  #refused(error: ClientError): void {
    if (error.code === 'invalid_cursor' || error.code === 'log_replaced') this.#void();
    this.#error = error;
    this.#phase = 'refused';
    this.contents.interrupt();
    this.#endPause?.();
    if (!this.#closed) this.#endPause = this.#clock.schedule(this.#backoff.next(), () => this.#ask());
    this.#changed();
    this.emitter.emit('error', error);
  }

  #changed(): void {
    this.#shown = undefined;
    this.notice.changed();
    this.#wake();
    this.#onChange();
    const state = this.#state();
    if (state === this.#shownState) return;
    this.#shownState = state;
    this.emitter.emit('state', state);
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  }

  #state(): PlanState {
    if (this.#phase === 'live') return 'live';
    if (this.#phase === 'asked') return this.#error === undefined ? 'catching_up' : 'offline';
    if (this.#phase === 'refused') return 'offline';
    return this.#hasTried && !this.#isConnected ? 'offline' : 'connecting';
  }
}
