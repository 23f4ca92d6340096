import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IndelibleEvent, Observer } from './events.ts';

/** What a gauge is asked for when somebody looks. Ages in ms, sizes in bytes. */
export interface Readings {
  readonly breaker: 'closed' | 'open' | 'half_open';
  readonly spoolDepth: number;
  readonly spoolBytes: number;
  readonly spoolOldestAgeMs: number;
  readonly setAside: number;
  readonly queued: number;
  readonly successRate: number;
}

const breakerStates = ['closed', 'open', 'half_open'] as const;
/** Seconds. A commit takes one to ten ms where all is well; the deadline is one second. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * Counts what happens and shows it in the text format of Prometheus. Rates are for whoever asks to compute: how fast a
 * spool drains is `rate(indelible_messages_drained_total[1m])`. Labels are of fixed sets: no plan and no user is one.
 */
export class PrometheusMetrics {
  readonly #registry = new Registry();
  readonly #latency: Histogram;
  readonly #read: () => Readings;
  /** Plain numbers, handed over when somebody looks: a message pays for no labels. */
  readonly #saves = { stored: 0, duplicate: 0, spooled: 0, pending: 0, refused: 0 };
  readonly #runs = { completed: 0, failed: 0 };
  #drained = 0;
  #setAside = 0;
  #retries = 0;
  #broadcastFailures = 0;
  #outages = 0;
  #sockets = 0;

  constructor(read: () => Readings) {
    this.#read = read;
    this.#latency = new Histogram({
      name: 'indelible_save_seconds',
      help: 'From the acceptance of a message until it was in the database or on disk.',
      buckets,
      registers: [this.#registry],
    });
    this.#counters();
    this.#gauges();
  }

  readonly observe: Observer = (event) => this.#count(event);

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #count(event: IndelibleEvent): void {
    switch (event.type) {
      case 'message_stored':
        if (event.spooled) this.#drained++;
        else this.#latency.observe(event.waitedMs / 1_000);
        this.#saves[event.duplicate ? 'duplicate' : 'stored']++;
        break;
      case 'message_spooled':
        this.#latency.observe(event.waitedMs / 1_000);
        this.#saves.spooled++;
        break;
      case 'message_late':
        this.#saves.pending++;
        break;
      case 'message_refused':
        this.#saves.refused++;
        break;
      case 'message_set_aside':
        this.#setAside++;
        break;
      case 'batch_retried':
        this.#retries++;
        break;
      case 'broadcast_failed':
        this.#broadcastFailures++;
        break;
      case 'outage_began':
        this.#outages++;
        break;
      case 'run_completed':
        this.#runs.completed++;
        break;
      case 'run_failed':
        this.#runs.failed++;
        break;
      case 'socket_opened':
        this.#sockets++;
        break;
      case 'socket_closed':
        this.#sockets--;
    }
  }

  #counters(): void {
    const counter = (name: string, help: string, values: () => number | Readonly<Record<string, number>>) =>
      new Counter({
        name: `indelible_${name}_total`,
        help,
        labelNames: typeof values() === 'number' ? [] : ['outcome'],
        registers: [this.#registry],
        collect() {
          this.reset();
          const now = values();
          if (typeof now === 'number') this.inc(now);
          else for (const [outcome, value] of Object.entries(now)) this.inc({ outcome }, value);
        },
      });
    counter('saves', 'Saves by what they were answered, or became.', () => this.#saves);
    counter('messages_drained', 'Messages that went from disk into the database.', () => this.#drained);
    counter('messages_set_aside', 'Messages the database refused that are kept on disk.', () => this.#setAside);
    counter('batch_retries', 'Batches that were written again.', () => this.#retries);
    counter('broadcast_failures', 'Broadcasts that failed; messages are not affected.', () => this.#broadcastFailures);
    counter('outages', 'Times that messages began to go to disk.', () => this.#outages);
    counter('runs', 'Runs by how they ended.', () => this.#runs);
  }

  #gauges(): void {
    const read = this.#read;
    const gauge = (name: string, help: string, value: (readings: Readings) => number) =>
      new Gauge({
        name: `indelible_${name}`,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value(read()));
        },
      });
    gauge('sockets', 'Sockets that are open.', () => this.#sockets);
    gauge('spool_depth', 'Messages on disk that wait for the database.', ({ spoolDepth }) => spoolDepth);
    gauge('spool_bytes', 'Bytes the spool holds, those set aside too.', ({ spoolBytes }) => spoolBytes);
    gauge(
      'spool_oldest_seconds',
      'Age of the oldest message that waits on disk.',
      (now) => now.spoolOldestAgeMs / 1_000,
    );
    gauge('spool_set_aside', 'Messages set aside, for somebody to look at.', ({ setAside }) => setAside);
    gauge('queue_depth', 'Messages in memory that wait for the database.', ({ queued }) => queued);
    gauge(
      'save_success_ratio',
      'Of the saves that were decided, the share that is in the database.',
      (now) => now.successRate,
    );
    new Gauge({
      name: 'indelible_breaker_state',
      help: '1 for the state the breaker is in.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        const { breaker } = read();
        for (const state of breakerStates) this.set({ state }, state === breaker ? 1 : 0);
      },
    });
  }
}
