import { randomUUID } from 'node:crypto';
import { Feed } from '../feed/feed.ts';
import { eventLog } from '../observe/eventLog.ts';
import { type Observer, tellAll } from '../observe/events.ts';
import { PrometheusMetrics, type Readings } from '../observe/prometheus.ts';
import type { Broadcaster } from '../persistence/broadcaster.ts';
import { DraftRecovery } from '../persistence/draftRecovery.ts';
import { DraftWriter } from '../persistence/draftWriter.ts';
import { DualPersistenceManager } from '../persistence/dualPersistenceManager.ts';
import { MessagePersistenceService, type PersistenceOptions } from '../persistence/messagePersistenceService.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import type { Spool } from '../persistence/spool/spool.ts';
import { defaultSpoolMaxBytes, openSpoolOf } from '../persistence/spool/spoolOfStore.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { type AgentMessage, checkId, type NewMessage } from '../protocol/message.ts';
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
  /**
   * Where messages wait on disk while the database is away: a file, an open spool, or `false` for nowhere. Default for a
   * store that is named: beside its file (`<file>.spool`), for PostgreSQL `./indelible-<id>.spool`; for an open store, nowhere.
   */
  readonly spool?: string | Spool | false | undefined;
  /** Bytes that may wait there. Default 1 GiB. */
  readonly spoolMaxBytes?: number | undefined;
  /** The address of a store that is given open: its default spool is taken, as if it had been named. */
  readonly spoolBeside?: string | undefined;
  readonly clock?: Clock;
  /** Told of all that happens. */
  readonly observe?: Observer;
  /** Written to; a pino logger fits. Default: nothing is written. */
  readonly logger?: Parameters<typeof eventLog>[0];
  readonly persistence?: Omit<PersistenceOptions, 'log' | 'clock' | 'observe' | 'spool' | 'spooled'>;
}

/** Of a log whose parts are open. */
export type LogOptions = Omit<
  IndelibleOptions,
  'store' | 'storeOptions' | 'spool' | 'spoolMaxBytes' | 'spoolBeside'
> & {
  readonly spool?: Spool | undefined;
};

/**
 * A message log, open: the one thing an agent process holds. Agents save through it, watchers read its feed, and the
 * database between them is all that the two share.
 */
export class Indelible implements AgentLog {
  readonly store: Store;
  readonly persistence: MessagePersistenceService;
  readonly feed: Feed;
  readonly live: LiveChannel;
  /** What is kept durable of the answers that are shown by {@link live}. */
  readonly drafts: Pick<DraftWriter, 'hasWritten' | 'giveUp' | 'handOver'>;
  readonly metrics: PrometheusMetrics;
  readonly clock: Clock;
  readonly observe: Observer;
  readonly #dual: DualPersistenceManager;
  readonly #drafts: DraftWriter;
  readonly #recovery: DraftRecovery;

  constructor(store: Store, options: LogOptions = {}) {
    const { clock = systemClock, observe = () => {}, logger } = options;
    this.store = store;
    this.clock = clock;
    this.metrics = new PrometheusMetrics(() => this.#readings());
    const observers = [this.metrics.observe, observe, ...(logger === undefined ? [] : [eventLog(logger)])];
    this.observe = tellAll(...observers);
    this.feed = new Feed({ log: store.log, records: store, clock, observe: this.observe });
    this.#drafts = new DraftWriter({ drafts: store.drafts, clock, observe: this.observe, owner: randomUUID() });
    this.drafts = this.#drafts;
    this.persistence = new MessagePersistenceService({
      ...options.persistence,
      log: store.log,
      clock,
      observe: tellAll(this.#drafts.observe, this.observe),
      spool: options.spool,
      spooled: (message) => {
        const timestamp = new Date(clock.now()).toISOString();
        this.feed.publish({ type: 'message_spooled', planId: message.planId, timestamp, message });
      },
    });
    this.live = liveChannel(this.feed, this.#drafts, clock);
    const save = (message: NewMessage) => this.persistence.save(message);
    this.#recovery = new DraftRecovery({ drafts: store.drafts, save, clock, observe: this.observe });
    this.#dual = new DualPersistenceManager(this.persistence, { clock });
  }

  /** Saves a message. Never throws: see {@link SaveResult}. */
  save(message: NewMessage): Promise<SaveResult> {
    return this.persistence.save(message);
  }

  /** The message as it is stored now. @throws IndelibleError `store_unavailable`, `store_refused`, `service_closed` */
  async find(planId: string, messageId: string): Promise<AgentMessage | undefined> {
    const stored = await this.store.log.find(planId, messageId);
    return stored === undefined ? undefined : toAgentMessage(stored);
  }

  #readings(): Readings {
    const { breaker, depth, size, setAside, oldestAgeMs } = this.persistence.outage();
    const { queued } = this.persistence;
    const { successRate } = this.persistence.statistics();
    return {
      breaker,
      spoolDepth: depth,
      spoolBytes: size,
      spoolOldestAgeMs: oldestAgeMs,
      setAside,
      queued,
      successRate,
    };
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

  /**
   * Waits for accepted messages, at most `timeoutMs` (default 10,000); what is not stored by then stays on disk, if there
   * is a spool. Lets watchers go, closes the store.
   */
  async close(timeoutMs?: number): Promise<void> {
    this.#recovery.stop();
    await this.persistence.close(timeoutMs);
    await this.#drafts.close(closeDraftsMs);
    this.feed.close();
    await this.store.close();
  }
}

/**
 * Opens a message log.
 *
 * @throws IndelibleError `invalid_config`, `store_unavailable`, `store_refused`, `schema_too_new`; of the spool
 *   `spool_in_use`, `spool_unavailable`, `spool_damaged`
 */
export async function openIndelible(options: IndelibleOptions = {}): Promise<Indelible> {
  const {
    store: given = 'sqlite:./indelible.db',
    storeOptions,
    spool: where,
    spoolMaxBytes,
    spoolBeside,
    ...rest
  } = options;
  const store = typeof given === 'string' ? await openStore(given, storeOptions) : given;
  try {
    const { spool, left } = openSpoolOf(typeof given === 'string' ? given : spoolBeside, {
      spool: where,
      maxBytes: spoolMaxBytes ?? defaultSpoolMaxBytes,
      clock: options.clock ?? systemClock,
    });
    const indelible = new Indelible(store, { ...rest, spool });
    for (const { path, error } of left) indelible.observe({ type: 'spool_left', path, error });
    indelible.recoverDrafts();
    return indelible;
  } catch (error) {
    await store.close();
    throw error;
  }
}
