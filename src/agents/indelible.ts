import { randomUUID } from 'node:crypto';
import { Feed } from '../feed/feed.ts';
import { eventLog } from '../observe/eventLog.ts';
import { type Observer, tellAll } from '../observe/events.ts';
import type { Broadcaster } from '../persistence/broadcaster.ts';
import { DraftRecovery } from '../persistence/draftRecovery.ts';
import { DraftWriter } from '../persistence/draftWriter.ts';
import { DualPersistenceManager } from '../persistence/dualPersistenceManager.ts';
import { finishInterrupted } from '../persistence/interruptedAnswer.ts';
import { MessagePersistenceService, type PersistenceOptions } from '../persistence/messagePersistenceService.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId, type NewMessage } from '../protocol/message.ts';
import type { PersistenceResult } from '../protocol/persistenceResult.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import { type OpenStoreOptions, openStore } from '../store/openStore.ts';
import type { Store } from '../store/store.ts';
import type { AgentLog, LiveChannel } from './agentLog.ts';
import { liveChannel } from './liveChannel.ts';

/** How long closing waits for drafts to be written, in ms. */
const closeDraftsMs = 1_000;

export interface IndelibleOptions {
  /** `sqlite:<path>`, `postgres://…`, or an open store. Default `sqlite:./indelible.db`. */
  readonly store?: string | Store;
  /** How a store that is named is opened. */
  readonly storeOptions?: OpenStoreOptions;
  readonly clock?: Clock;
  /** Told of all that happens. */
  readonly observe?: Observer;
  /** Written to; a pino logger fits. Default: nothing is written. */
  readonly logger?: Parameters<typeof eventLog>[0];
  readonly persistence?: Omit<PersistenceOptions, 'log' | 'clock' | 'observe'>;
}

/**
 * A message log, open: the one thing an agent process holds. Agents save through it, watchers read its feed, and the
 * database between them is all that the two share.
 */
export class Indelible implements AgentLog {
  readonly store: Store;
  readonly persistence: MessagePersistenceService;
  readonly feed: Feed;
  readonly live: LiveChannel;
  readonly clock: Clock;
  readonly observe: Observer;
  readonly #dual: DualPersistenceManager;
  readonly #drafts: DraftWriter;
  readonly #recovery: DraftRecovery;

  constructor(store: Store, options: Omit<IndelibleOptions, 'store'> = {}) {
    const { clock = systemClock, observe = () => {}, logger } = options;
    this.store = store;
    this.clock = clock;
    this.observe = logger === undefined ? tellAll(observe) : tellAll(observe, eventLog(logger));
    this.#drafts = new DraftWriter({ drafts: store.drafts, clock, observe: this.observe, owner: randomUUID() });
    this.persistence = new MessagePersistenceService({
      ...options.persistence,
      log: store.log,
      clock,
      observe: tellAll(this.#drafts.observe, this.observe),
    });
    this.feed = new Feed({ log: store.log, records: store, clock, observe: this.observe });
    this.live = liveChannel(this.feed, this.#drafts, clock);
    const save = (message: NewMessage) => this.persistence.save(message);
    this.#recovery = new DraftRecovery({ drafts: store.drafts, save, clock, observe: this.observe });
    this.#dual = new DualPersistenceManager(this.persistence, { clock });
  }

  /** Saves a message. Never throws: see {@link SaveResult}. */
  save(message: NewMessage): Promise<SaveResult> {
    return this.persistence
      .save(message)
      .then((result) => (result.status === 'refused' ? finishInterrupted(this.store.log, result) : result));
  }

  /** Saves a message, then shows it by `webSocketManager` if one is given. Never throws. */
  persistMessage(message: NewMessage, webSocketManager?: Broadcaster | null): Promise<PersistenceResult> {
    return this.#dual.persistMessage(message, webSocketManager);
  }

  /**
   * The user has read the plan up to `sequence`; the user's other windows are told. Answers up to where it is read now.
   *
   * @throws IndelibleError `invalid_id`, `invalid_request`, `store_unavailable`, `store_refused`
   */
  async markRead(userId: string, planId: string, sequence: number): Promise<number> {
    checkId(planId, 'planId');
    if (!Number.isSafeInteger(sequence) || sequence < 0) {
      throw new IndelibleError('invalid_request', { message: 'sequence is no whole number from 0', field: 'sequence' });
    }
    const read = await this.store.readPositions.advance(userId, planId, sequence);
    const timestamp = new Date(this.clock.now()).toISOString();
    if (read > 0) this.feed.publish({ type: 'read_position', planId, userId, sequence: read, timestamp });
    return read;
  }

  /**
   * From now on, drafts whose writers died become messages, whichever process they died in. Those who open a log by
   * {@link openIndelible} need not call it.
   */
  recoverDrafts(): void {
    this.#recovery.start();
  }

  /** Waits for accepted messages (at most 10 s), lets watchers go, closes the store. */
  async close(): Promise<void> {
    this.#recovery.stop();
    await this.persistence.close();
    await this.#drafts.close(closeDraftsMs);
    this.feed.close();
    await this.store.close();
  }
}

/**
 * Opens a message log.
 *
 * @throws IndelibleError `invalid_config`, `store_unavailable`, `store_refused`, `schema_too_new`
 */
export async function openIndelible(options: IndelibleOptions = {}): Promise<Indelible> {
  const { store = 'sqlite:./indelible.db', storeOptions, ...rest } = options;
  const indelible = new Indelible(typeof store === 'string' ? await openStore(store, storeOptions) : store, rest);
  indelible.recoverDrafts();
  return indelible;
}
