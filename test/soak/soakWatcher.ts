import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { rowOf, WatchingClient } from '../properties/watchingClient.ts';
import type { HttpServer } from './agents/httpAgent.ts';
import { WatcherJournal } from './journal.ts';

export interface SoakWatcherOptions {
  readonly folder: string;
  readonly planId: string;
  readonly servers: readonly HttpServer[];
  readonly random: SeededRandom;
  /** How long a connection lasts, in ms, if its server does. */
  readonly connectedMs: readonly [number, number];
}

/**
 * Watches a plan over /api/v3 WebSockets that are dropped without a word, or closed, after a while, and connects again to
 * any of the servers. What a connection shows must be a gapless run.
 */
export class SoakWatcher {
  readonly planId: string;
  readonly #options: SoakWatcherOptions;
  readonly #journal: WatcherJournal;
  #client: WatchingClient | undefined;
  #connections = 0;
  #stays = false;

  constructor(options: SoakWatcherOptions) {
    this.planId = options.planId;
    this.#options = options;
    this.#journal = new WatcherJournal(options.folder, options.planId, 'watcher');
  }

  /** Resolves after `end` was called. The first connection must be there before the first message. */
  async run(): Promise<void> {
    const { random, connectedMs } = this.#options;
    const [least, most] = connectedMs;
    while (!this.#stays) {
      const client = await this.#connect();
      const until = performance.now() + least + random.below(most - least);
      while (client.isOpen && performance.now() < until && !this.#stays) await sleep(50);
      if (this.#stays) return;
      if (random.below(2) === 0) client.drop();
      else await client.close();
    }
  }

  /** Whether it was ever connected. */
  get hasBegun(): boolean {
    return this.#connections > 0;
  }

  /** Stays connected until it has seen `last`, the last message there is; at most so long. */
  async end(last: string | undefined, patienceMs: number): Promise<void> {
    this.#stays = true;
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (!this.#client?.isOpen) await this.#connect();
      // Who connects when all is written is shown the newest few, which end with the last.
      if (last === undefined || this.#client?.messages.some(({ data }) => data.message_id === last)) break;
      await sleep(20);
    }
    this.#journal.stayed();
    await this.#client?.close();
  }

  async #connect(): Promise<WatchingClient> {
    const { servers, random, planId } = this.#options;
    for (;;) {
      const { url } = random.pick(servers);
      let announced = false;
      const announce = () => {
        if (!announced) this.#journal.connected(this.#connections++ === 0);
        announced = true;
      };
      const client = await WatchingClient.connect(url, planId, `watcher of ${planId}`, (frame) => {
        announce();
        const row = rowOf(frame);
        if (row.sequence === undefined) this.#journal.sawSpooled(row);
        else this.#journal.saw(row);
      });
      if (client.isOpen) {
        announce();
        this.#client = client;
        return client;
      }
      await sleep(200 + random.below(300));
    }
  }
}
