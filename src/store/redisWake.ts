import type { Redis } from 'ioredis';
import { IndelibleError } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import type { CommitListener, PlanCommit } from './messageLog.ts';
import { decodeRecordHints, encodeRecordHint, type RecordHint, type RecordListener } from './recordHint.ts';
import type { Wake } from './wake.ts';
import { decodeHint, encodeHint } from './wakeHint.ts';

const channel = 'indelible';

/** How often the connection that listens is asked whether it lives, in ms: a broken network may never say so. */
const askMs = 5_000;

/**
 * Hints by Redis, for fleets whose commits outgrow NOTIFY (which takes turns at every commit of the whole database). A
 * process tells of its commits behind them; what is published while Redis is away is lost, and readers look by
 * themselves within two seconds.
 */
export class RedisWake implements Wake {
  readonly inTransaction = false;
  readonly #publisher: Redis;
  readonly #clock: Clock;
  readonly #subscribers = new Set<Redis>();

  private constructor(publisher: Redis, clock: Clock) {
    this.#publisher = publisher;
    this.#clock = clock;
  }

  /** @throws IndelibleError `invalid_config` if the package `ioredis` is not installed */
  static async open(url: string, clock: Clock = systemClock): Promise<RedisWake> {
    const { Redis } = await import('ioredis').catch((cause: unknown) => {
      const message = 'INDELIBLE_WAKE names a Redis, but the package ioredis is not installed: npm install ioredis';
      throw new IndelibleError('invalid_config', { message, field: 'INDELIBLE_WAKE', cause });
    });
    const publisher = new Redis(url, {
      // A hint that cannot be sent now is worth nothing later.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 2_000,
      // One that does not answer is made anew; without this, what it was told would wait in memory for many minutes.
      socketTimeout: 2_000,
      retryStrategy: (times) => Math.min(20 * 2 ** times, 1_000),
    });
    publisher.on('error', () => {});
    return new RedisWake(publisher, clock);
  }

  announce(commits: readonly PlanCommit[]): void {
    this.#publisher.publish(channel, encodeHint(commits)).catch(() => {});
  }

  announceRecords(hints: readonly RecordHint[]): void {
    this.#publisher.publish(channel, hints.map(encodeRecordHint).join('\n')).catch(() => {});
  }

  listen(listener: CommitListener, records: RecordListener): () => void {
    const subscriber = this.#publisher.duplicate({ autoResubscribe: false });
    this.#subscribers.add(subscriber);
    subscriber.on('error', () => {});
    subscriber.on('message', (_channel: string, hint: string) => {
      listener(decodeHint(hint));
      records(decodeRecordHints(hint));
    });
    // Also after a lost connection, which it makes anew by itself: what was said meanwhile is lost, so all look, once
    // nothing more is missed.
    subscriber.on('ready', () => {
      subscriber.subscribe(channel).then(
        () => {
          listener('unknown');
          records('unknown');
        },
        () => {},
      );
    });
    const endAsking = this.#askAgainAndAgain(subscriber);
    return () => {
      endAsking();
      this.#subscribers.delete(subscriber);
      subscriber.disconnect();
    };
  }

  #askAgainAndAgain(subscriber: Redis): () => void {
    let cancel = () => {};
    const ask = () => {
      subscriber.ping().catch(() => {});
      cancel = this.#clock.schedule(askMs, ask, 'background');
    };
    cancel = this.#clock.schedule(askMs, ask, 'background');
    return () => cancel();
  }

  async close(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.disconnect();
    this.#publisher.disconnect();
  }
}
