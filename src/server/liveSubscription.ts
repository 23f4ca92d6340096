import type { Indelible } from '../agents/indelible.ts';
import type { DraftPiece } from '../feed/draftPiece.ts';
import type { LogExtent, Subscription } from '../feed/subscription.ts';
import { encodeCursor } from '../protocol/cursor.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { LogPosition } from '../store/messageLog.ts';
import type { Chunk } from './framedRun.ts';
import type { Outlet } from './outlet.ts';
import { ShownDrafts } from './shownDrafts.ts';
import { startPlace } from './startPlace.ts';

export interface LiveSubscriptionOptions {
  readonly indelible: Pick<Indelible, 'feed' | 'store'>;
  readonly outlet: Outlet;
  readonly planId: string;
  readonly userId: string;
  /** A cursor of this plan. */
  readonly after: string | undefined;
}

/**
 * One client's watching of one plan in `indelible.v1` (the state machine is drawn in PROTOCOL.md): the feed's
 * subscription, as frames.
 *
 * The client is given nothing while its outlet is behind, and reads on from the log when what waits is gone; so a slow
 * one costs its budget and a chunk, and misses no message. Live events it may miss: it is then shown what they had made.
 *
 * What would break it: writing what was read of the log before a `reset` behind it, or anything behind {@link close}.
 */
export class LiveSubscription {
  readonly #options: LiveSubscriptionOptions;
  readonly #subscription: Subscription;
  readonly #drafts: ShownDrafts;
  /** Counts the histories of the log. */
  #history = 0;
  #closed = false;
  #isLive = false;
  #recovering = false;
  #tellingReadLater = false;

  constructor(options: LiveSubscriptionOptions) {
    this.#options = options;
    const { indelible, outlet, planId } = options;
    this.#drafts = new ShownDrafts({
      drafts: () => indelible.feed.drafts(planId),
      show: (piece) => this.#write(outlet.framing.draft(planId, piece)),
      isBehind: () => outlet.isBehind,
      drained: () => outlet.drained(),
    });
    this.#subscription = indelible.feed.subscribe(planId, (extent) => this.#start(extent), {
      messages: (messages, { revision }) =>
        this.#give(messages, (chunk) => ({ sequence: chunk.last.sequence, revision })),
      updates: (messages, { sequence }) =>
        this.#give(messages, (chunk) => ({ sequence, revision: chunk.last.revision })),
      gap: (from, to) => this.#write(outlet.framing.frame({ type: 'gap', plan_id: planId, from, to })),
      live: (event, piece) => this.#show(event, piece),
      missed: () => void this.#recover(),
      caughtUp: () => this.#caughtUp(),
      reset: () => this.#reset(),
      dropped: () => outlet.fail(),
    });
  }

  close(): void {
    this.#closed = true;
    this.#drafts.close();
    this.#subscription.close();
  }

  #start(extent: LogExtent): LogPosition {
    const { place, isReset } = startPlace(this.#options.planId, this.#options.after, extent);
    if (isReset) this.#reset();
    return place;
  }

  #reset(): void {
    const { outlet, planId } = this.#options;
    this.#history++;
    this.#write(outlet.framing.frame({ type: 'reset', plan_id: planId }));
    // A client lets go of all it knew of the plan. One that is not live yet is told when it is.
    if (this.#isLive) void this.#tellReadNow();
  }

  #give(messages: readonly StoredMessage[], placeOf: (chunk: Chunk) => LogPosition): Promise<void> | undefined {
    const { outlet } = this.#options;
    // A client that is on its way out takes nothing more; to read on for it would be to read all of the log.
    if (!outlet.isOpen) {
      this.close();
      return undefined;
    }
    const chunks = outlet.framing.runs.of(messages);
    const next = this.#giveSome(chunks, 0, placeOf);
    return next < chunks.length || outlet.isBehind ? this.#giveRest(chunks, next, placeOf) : undefined;
  }

  async #giveRest(chunks: readonly Chunk[], from: number, placeOf: (chunk: Chunk) => LogPosition): Promise<void> {
    const { outlet } = this.#options;
    const history = this.#history;
    const isWanted = () => !this.#closed && history === this.#history && outlet.isOpen;
    for (let next = from; isWanted() && (next < chunks.length || outlet.isBehind); ) {
      await outlet.drained();
      if (isWanted()) next = this.#giveSome(chunks, next, placeOf);
    }
  }

  #giveSome(chunks: readonly Chunk[], from: number, placeOf: (chunk: Chunk) => LogPosition): number {
    const { outlet } = this.#options;
    let next = from;
    for (let chunk = chunks[next]; chunk !== undefined && !outlet.isBehind; chunk = chunks[++next]) {
      this.#write(chunk.bytes(placeOf(chunk), this.#subscription.epoch));
    }
    return next;
  }

  #show(event: LiveEvent, piece: DraftPiece | undefined): void {
    const { outlet, userId } = this.#options;
    if (event.type === 'read_position') {
      if (event.userId === userId) this.#tellRead(event.sequence);
    } else if (outlet.isBehind) void this.#recover();
    else if (piece === undefined || !this.#drafts.holds(piece)) {
      const bytes = outlet.framing.event(event, piece);
      if (bytes !== undefined) this.#write(bytes);
    }
  }

  #caughtUp(): void {
    const { outlet, planId } = this.#options;
    const { position, epoch } = this.#subscription;
    const cursor = encodeCursor({ epoch, planId, ...position });
    this.#write(outlet.framing.frame({ type: 'caught_up', plan_id: planId, cursor }));
    this.#isLive = true;
    // Behind the drafts: so a client knows when it was told all of them.
    void this.#showNow().then(() => this.#tellReadNow());
  }

  /** Something that is only live was left out: when there is room again, what it all has come to is shown. */
  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    await this.#options.outlet.drained();
    this.#recovering = false;
    if (!this.#closed) void this.#showNow();
  }

  /** What is only live, as it stands: how far the run is, and answers that are being written. */
  async #showNow(): Promise<void> {
    const { indelible, outlet, planId } = this.#options;
    const progress = indelible.feed.progress(planId);
    if (progress !== null) this.#show(progress, undefined);
    if (outlet.isOpen) await this.#drafts.showAll();
  }

  async #tellReadNow(): Promise<void> {
    const { indelible, planId, userId } = this.#options;
    try {
      const positions = await indelible.store.readPositions.unread(userId, [planId]);
      this.#tellRead(positions.get(planId)?.read ?? 0);
    } catch {
      // The database is away again; the client is told when the user reads on.
    }
  }

  #tellRead(sequence: number): void {
    const { outlet, planId } = this.#options;
    if (outlet.isBehind) void this.#tellReadLater();
    else this.#write(outlet.framing.frame({ type: 'read', plan_id: planId, sequence }));
  }

  async #tellReadLater(): Promise<void> {
    if (this.#tellingReadLater) return;
    this.#tellingReadLater = true;
    await this.#options.outlet.drained();
    this.#tellingReadLater = false;
    if (!this.#closed) await this.#tellReadNow();
  }

  #write(frames: Buffer): void {
    if (!this.#closed) this.#options.outlet.write(frames);
  }
}
