import { setTimeout as sleep } from 'node:timers/promises';
import type { Observer } from '../../src/observe/events.ts';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { anyText } from '../../src/testing/contract/anyContent.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import type { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { History } from '../../src/testing/history.ts';

export interface LoadOptions {
  readonly history: History;
  /** As many server processes, as far as the database can tell: give each a store of its own. */
  readonly services: readonly MessagePersistenceService[];
  readonly planIds: readonly string[];
  readonly random: SeededRandom;
  /** For each service and plan. Default 2. */
  readonly producers?: number;
}

/** Saves are answered when they are decided, however long the database is away. */
export const patience = {
  deadlineMs: 300_000,
  openDeadlineMs: 300_000,
  backoff: { initialDelayMs: 5, maxDelayMs: 100 },
  openBackoff: { initialDelayMs: 20, maxDelayMs: 200 },
};

export function patientService(log: MessageLog, observe: Observer = () => {}): MessagePersistenceService {
  return new MessagePersistenceService({ log, observe, ...patience });
}

/**
 * Agents that save to the same plans through several services, one burst after another, until they are told to stop.
 * What each was told is in the history.
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #producers: Promise<void>[];
  #stopped = false;
  #answered = 0;

  constructor(options: LoadOptions) {
    const { services, planIds, producers = 2 } = options;
    this.#options = options;
    this.#producers = services.flatMap((service, index) =>
      planIds.flatMap((planId) =>
        oneTo(producers).map((number) => this.#produce(service, planId, `${index}.${number}`)),
      ),
    );
  }

  /** Saves that were answered so far. */
  get answered(): number {
    return this.#answered;
  }

  /** Resolves when `count` more saves were answered. */
  async goesOn(count = 1): Promise<void> {
    const enough = this.#answered + count;
    while (this.#answered < enough && !this.#stopped) await sleep(2);
  }

  /** Resolves when every save was answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#producers);
  }

  async #produce(service: MessagePersistenceService, planId: string, name: string): Promise<void> {
    const { history, random } = this.#options;
    const producer = `${planId} ${name}`;
    for (let saved = 0; !this.#stopped; ) {
      const burst = oneTo(1 + random.below(5)).map(async () => {
        const message = { planId, messageId: `${producer}-${++saved}`, agentName: name, content: anyText(random, 60) };
        const submission = history.submit(producer, message);
        submission.settle(await service.save(message));
        this.#answered++;
      });
      await Promise.all(burst);
      await sleep(random.below(10));
    }
  }
}
