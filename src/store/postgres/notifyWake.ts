import { Client } from 'pg';
import { Backoff } from '../../resilience/backoff.ts';
import { type Clock, systemClock } from '../../resilience/clock.ts';
import type { CommitListener } from '../messageLog.ts';
import { decodeRecordHints, type RecordListener } from '../recordHint.ts';
import type { Wake } from '../wake.ts';
import { decodeHint } from '../wakeHint.ts';
import { connectionConfig, defaultTimeouts } from './connection.ts';
import { Sockets } from './sockets.ts';

/** How often the connection is asked whether it lives, in ms: a broken network may never say so. */
const askMs = 5_000;

/**
 * Hints by LISTEN and NOTIFY, on a connection of its own. The statement that commits notifies, so there is nothing to
 * announce. When the connection is lost it is made anew, and since what was said meanwhile is lost, all look.
 */
export class NotifyWake implements Wake {
  readonly inTransaction = true;
  readonly #url: string;
  readonly #clock: Clock;
  #current: Listening | undefined;

  constructor(url: string, clock: Clock = systemClock) {
    this.#url = url;
    this.#clock = clock;
  }

  announce(): void {}

  listen(listener: CommitListener, records: RecordListener): () => void {
    const listening = new Listening(this.#url, this.#clock, listener, records);
    this.#current = listening;
    return () => void listening.end();
  }

  async close(): Promise<void> {
    await this.#current?.end();
  }
}

class Listening {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #listener: CommitListener;
  readonly #records: RecordListener;
  readonly #backoff = new Backoff({ initialDelayMs: 20, maxDelayMs: 1_000 });
  readonly #sockets = new Sockets();
  #client: Client | undefined;
  #cancel: () => void = () => {};
  #ended = false;

  constructor(url: string, clock: Clock, listener: CommitListener, records: RecordListener) {
    this.#url = url;
    this.#clock = clock;
    this.#listener = listener;
    this.#records = records;
    void this.#connect();
  }

  /** Resolves when the connection is closed. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#drop();
    await this.#sockets.gone();
  }

  async #connect(): Promise<void> {
    const client = new Client(connectionConfig(this.#url, defaultTimeouts, this.#sockets));
    this.#client = client;
    const lost = () => this.#lost(client);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload = '' }) => {
      this.#listener(decodeHint(payload));
      this.#records(decodeRecordHints(payload));
    });
    try {
      await client.connect();
      await client.query('LISTEN indelible');
      if (this.#client !== client) return;
      this.#backoff.reset();
      this.#listener('unknown');
      this.#records('unknown');
      this.#ask(client);
    } catch {
      lost();
    }
  }

  #ask(client: Client): void {
    const ask = () => {
      client.query('SELECT').then(
        () => {
          if (this.#client === client) this.#ask(client);
        },
        () => this.#lost(client),
      );
    };
    this.#cancel = this.#clock.schedule(askMs, ask, 'background');
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#drop();
    if (!this.#ended)
      this.#cancel = this.#clock.schedule(this.#backoff.next(), () => void this.#connect(), 'background');
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#cancel();
    // A connection that does not answer does not end either: it is not waited for.
    client?.end().catch(() => {});
  }
}
