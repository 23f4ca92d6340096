import { ClientError } from './clientError.ts';
import type { PlanDraft } from './drafts.ts';
import type { PlanEvents, PlanListener, PlanState } from './planEvents.ts';
import type { PlanGap, PlanMessage } from './planMessage.ts';
import type { PlanSnapshot } from './planSnapshot.ts';
import type { PlanWatch } from './planWatch.ts';

/**
 * A plan, watched until {@link close}. Several of the same plan share one subscription and what it brings.
 *
 *     const plan = client.plan('trip-1');
 *     for await (const message of plan) console.log(message.type === 'gap' ? '…' : message.content);
 */
export class WatchedPlan {
  readonly planId: string;
  readonly #watch: PlanWatch;
  readonly #release: () => void;
  readonly #endings = new Set<() => void>();
  #closed = false;

  /** Made by `client.plan()`. */
  constructor(planId: string, watch: PlanWatch, release: () => void) {
    this.planId = planId;
    this.#watch = watch;
    this.#release = release;
  }

  /** All of the below, as of one moment. The same object until something changes. */
  get snapshot(): PlanSnapshot {
    return this.#watch.snapshot;
  }

  get messages(): readonly PlanMessage[] {
    return this.snapshot.messages;
  }

  get drafts(): readonly PlanDraft[] {
    return this.snapshot.drafts;
  }

  get gaps(): readonly PlanGap[] {
    return this.snapshot.gaps;
  }

  get state(): PlanState {
    return this.snapshot.state;
  }

  get read(): number {
    return this.snapshot.read;
  }

  get unread(): number {
    return this.snapshot.unread;
  }

  get error(): ClientError | undefined {
    return this.snapshot.error;
  }

  /**
   * Calls `listener` when the snapshot has changed: the first time at once, then at most 60 times a second. The answer ends
   * it.
   */
  subscribe(listener: () => void): () => void {
    return this.#until(this.#watch.notice.subscribe(listener));
  }

  /** Calls `listener` with each event of this type from now on, as it comes. The answer ends it. */
  on<Type extends keyof PlanEvents>(type: Type, listener: PlanListener<Type>): () => void {
    return this.#until(this.#watch.emitter.on(type, listener));
  }

  /**
   * This user has read up to `sequence`, or all there is. Told to the server, now or when it is reached again, and by it
   * to the user's other clients.
   */
  markRead(sequence?: number): void {
    if (!this.#closed) this.#watch.markRead(sequence);
  }

  /** Ends what was begun here. Closing again has no effect. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of [...this.#endings]) end();
    this.#release();
  }

  /**
   * Each message of the log from the first on, in order, once: what is there, then what comes. A {@link PlanGap} stands
   * where messages were taken out of the log. Reads from what the client holds, so however slow its reader is, nothing
   * piles up. Messages not yet in the database come when they are; updates of what was given do not come.
   *
   * Ends when the plan or the client is closed.
   *
   * @throws ClientError `log_replaced`: what was given is void; iterate again for what there is now
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<PlanMessage | PlanGap, void> {
    const { history, contents } = this.#watch;
    for (let given = 0; ; ) {
      if (this.#closed || this.#watch.closed) return;
      if (this.#watch.history !== history) throw new ClientError('log_replaced', 'the database was replaced');
      const { run } = contents;
      const message = run.messages[run.indexOf(given + 1)];
      const gap = run.gaps.find(({ from, to }) => from <= given + 1 && given + 1 <= to);
      if (gap !== undefined) {
        given = gap.to;
        yield gap;
      } else if (message !== undefined) {
        given = message.sequence;
        yield message;
      } else {
        await this.#change();
      }
    }
  }

  async #change(): Promise<void> {
    let end = () => {};
    const closed = new Promise<void>((resolve) => {
      end = this.#until(resolve);
    });
    await Promise.race([this.#watch.change(), closed]);
    end();
  }

  /** Calls `end` when the plan is closed, or by the answer, whichever is first. */
  #until(end: () => void): () => void {
    const once = () => {
      if (this.#endings.delete(once)) end();
    };
    this.#endings.add(once);
    return once;
  }
}
