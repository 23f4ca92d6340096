import { Feed } from '../feed/feed.ts';
import { eventLog } from '../observe/eventLog.ts';
import { type Observer, tellAll } from '../observe/events.ts';
import type { Broadcaster } from '../persistence/broadcaster.ts';
import { DualPersistenceManager } from '../persistence/dualPersistenceManager.ts';
import { MessagePersistenceService, type PersistenceOptions } from '../persistence/messagePersistenceService.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import type { AgentMessage, NewMessage } from '../protocol/message.ts';
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

  constructor(store: Store, options: Omit<IndelibleOptions, 'store'> = {}) {
    const { clock = systemClock, observe = () => {}, logger } = options;
    this.store = store;
    this.clock = clock;
    this.observe = logger === undefined ? tellAll(observe) : tellAll(observe, eventLog(logger));
    this.persistence = new MessagePersistenceService({
      ...options.persistence,
      log: store.log,
      clock,
      observe: this.observe,
    });
    this.feed = new Feed({ log: store.log, clock, observe: this.observe });
    this.live = liveChannel(this.feed, clock);
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

  /** Saves a message, then shows it by `webSocketManager` if one is given. Never throws. */
  persistMessage(message: NewMessage, webSocketManager?: Broadcaster | null): Promise<PersistenceResult> {
    return this.#dual.persistMessage(message, webSocketManager);
  }

  /** Waits for accepted messages (at most 10 s), lets watchers go, closes the store. */
  async close(): Promise<void> {
    await this.persistence.close();
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
  return new Indelible(typeof store === 'string' ? await openStore(store, storeOptions) : store, rest);
}
