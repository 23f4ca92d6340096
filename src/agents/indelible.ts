import { Feed } from '../feed/feed.ts';
import { eventLog } from '../observe/eventLog.ts';
import { type Observer, tellAll } from '../observe/events.ts';
import { PrometheusMetrics, type Readings } from '../observe/prometheus.ts';
import type { Broadcaster } from '../persistence/broadcaster.ts';
import { DualPersistenceManager } from '../persistence/dualPersistenceManager.ts';
import { MessagePersistenceService, type PersistenceOptions } from '../persistence/messagePersistenceService.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import type { Spool } from '../persistence/spool/spool.ts';
import { defaultSpoolMaxBytes, openSpoolOf } from '../persistence/spool/spoolOfStore.ts';
import type { NewMessage } from '../protocol/message.ts';
import type { PersistenceResult } from '../protocol/persistenceResult.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import { type OpenStoreOptions, openStore } from '../store/openStore.ts';
import type { Store } from '../store/store.ts';
import type { AgentLog, LiveChannel } from './agentLog.ts';
import { liveChannel } from './liveChannel.ts';

export interface IndelibleOptions {
  /** `sqlite:<path>`, `postgres://…`, or an open store. Default `sqlite:./indelible.db`. */
  readonly store?: string | Store;
  /** How a store that is named is opened. */
  readonly storeOptions?: OpenStoreOptions;
  /**
   * Where messages wait on disk while the database is away: a file, an open spool, or `false` for nowhere. Default for a
   * store that is named: beside its file (`<file>.spool`), for PostgreSQL `./indelible.spool`; for an open store, nowhere.
   */
  readonly spool?: string | Spool | false | undefined;
  /** Bytes that may wait there. Default 1 GiB. */
  readonly spoolMaxBytes?: number | undefined;
  readonly clock?: Clock;
  /** Told of all that happens. */
  readonly observe?: Observer;
  /** Written to; a pino logger fits. Default: nothing is written. */
  readonly logger?: Parameters<typeof eventLog>[0];
  readonly persistence?: Omit<PersistenceOptions, 'log' | 'clock' | 'observe' | 'spool' | 'spooled'>;
}

/** Of a log whose parts are open. */
export type LogOptions = Omit<IndelibleOptions, 'store' | 'storeOptions' | 'spool' | 'spoolMaxBytes'> & {
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
  readonly metrics: PrometheusMetrics;
  readonly clock: Clock;
  readonly observe: Observer;
  readonly #dual: DualPersistenceManager;

  constructor(store: Store, options: LogOptions = {}) {
    const { clock = systemClock, observe = () => {}, logger } = options;
    this.store = store;
    this.clock = clock;
    this.metrics = new PrometheusMetrics(() => this.#readings());
    const observers = [this.metrics.observe, observe, ...(logger === undefined ? [] : [eventLog(logger)])];
    this.observe = tellAll(...observers);
    this.feed = new Feed({ log: store.log, clock, observe: this.observe });
    this.persistence = new MessagePersistenceService({
      ...options.persistence,
      log: store.log,
      clock,
      observe: this.observe,
      spool: options.spool,
      spooled: (message) => {
        const timestamp = new Date(clock.now()).toISOString();
        this.feed.publish({ type: 'message_spooled', planId: message.planId, timestamp, message });
      },
    });
    this.live = liveChannel(this.feed, clock);
    this.#dual = new DualPersistenceManager(this.persistence, { clock });
  }

  /** Saves a message. Never throws: see {@link SaveResult}. */
  save(message: NewMessage): Promise<SaveResult> {
    return this.persistence.save(message);
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
   * Waits for accepted messages, at most `timeoutMs` (default 10,000); what is not stored by then stays on disk, if there
   * is a spool. Lets watchers go, closes the store.
   */
  async close(timeoutMs?: number): Promise<void> {
    await this.persistence.close(timeoutMs);
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
  const { store: given = 'sqlite:./indelible.db', storeOptions, spool: where, spoolMaxBytes, ...rest } = options;
  const store = typeof given === 'string' ? await openStore(given, storeOptions) : given;
  try {
    const spool = openSpoolOf(typeof given === 'string' ? given : undefined, {
      spool: where,
      maxBytes: spoolMaxBytes ?? defaultSpoolMaxBytes,
      clock: options.clock ?? systemClock,
    });
    return new Indelible(store, { ...rest, spool });
  } catch (error) {
    await store.close();
    throw error;
  }
}
