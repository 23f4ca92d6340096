import type { NewMessage } from 'indelible/protocol';
import { openSqliteStore } from 'indelible/sqlite';
import { type Faults, withFaults } from 'indelible/testing';
import { onTestFinished } from 'vitest';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { MessagePersistenceService, type PersistenceOptions } from '../../src/persistence/messagePersistenceService.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from './manualClock.ts';

export interface Setup {
  readonly service: MessagePersistenceService;
  /** Without faults. */
  readonly store: Store;
  readonly faults: Faults;
  readonly clock: ManualClock;
  readonly events: IndelibleEvent[];
  /** The message ids of each batch that reached the database, in the order in which they did. */
  readonly batches: string[][];
}

/** A service on a database in memory, with faults and time in the hands of the test. */
export function setUp(options: Partial<PersistenceOptions> = {}): Setup {
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  const batches: string[][] = [];
  const log: Store['log'] = {
    epoch: store.log.epoch,
    append: (batch) => {
      batches.push(batch.map(({ messageId }) => messageId));
      return store.log.append(batch);
    },
    update: (message, version) => store.log.update(message, version),
    trim: (planId, upTo) => store.log.trim(planId, upTo),
    find: (planId, messageId) => store.log.find(planId, messageId),
    read: (planId, after, limit) => store.log.read(planId, after, limit),
    heads: (planIds) => store.log.heads(planIds),
    onCommit: (listener) => store.log.onCommit(listener),
  };
  const { store: faulty, faults } = withFaults({ ...store, log });
  const clock = new ManualClock();
  const events: IndelibleEvent[] = [];
  const service = new MessagePersistenceService({
    log: faulty.log,
    clock,
    observe: (event) => events.push(event),
    // Pauses are random: at most this long, so that a test knows when the next try is due.
    backoff: { initialDelayMs: 10, maxDelayMs: 50 },
    // The breaker has tests of its own: here every try is made.
    failuresToOpen: Number.POSITIVE_INFINITY,
    attemptMs: Number.POSITIVE_INFINITY,
    ...options,
  });
  return { service, store, faults, clock, events, batches };
}

export function message(messageId: string, fields: Partial<NewMessage> = {}): NewMessage & { messageId: string } {
  return { planId: 'plan', agentName: 'Planner', content: `content of ${messageId}`, ...fields, messageId };
}

/** `m1` … `m<count>`. */
export function messages(count: number, fields: Partial<NewMessage> = {}): (NewMessage & { messageId: string })[] {
  return Array.from({ length: count }, (_, index) => message(`m${index + 1}`, fields));
}

/** The ids of a plan's messages, in order. */
export async function storedIds(store: Store, planId = 'plan'): Promise<string[]> {
  return (await Array.fromAsync(readAll(store.log, planId))).map(({ messageId }) => messageId);
}
