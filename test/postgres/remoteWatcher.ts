import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { History } from '../../src/testing/history.ts';
import type { WatchedLog } from '../../src/testing/watchedLog.ts';
import { rowOf, WatchingClient } from '../properties/watchingClient.ts';

/**
 * Watches a plan over a WebSocket of any of the servers; when that one is gone, of any other. Each connection is a run of
 * its own: the first from the beginning, one that comes later from where its server begins.
 */
export class RemoteWatcher {
  readonly planId: string;
  connections = 0;
  /** How the servers ended its connections. */
  readonly closeCodes: number[] = [];
  readonly #name: string;
  readonly #servers: readonly { readonly url: string }[];
  readonly #history: History;
  readonly #random: SeededRandom;
  #client: WatchingClient | undefined;
  #watched: WatchedLog | undefined;
  #ended = false;

  constructor(
    name: string,
    planId: string,
    servers: readonly { readonly url: string }[],
    history: History,
    random: SeededRandom,
  ) {
    this.#name = name;
    this.planId = planId;
    this.#servers = servers;
    this.#history = history;
    this.#random = random;
  }

  /** Resolves when it watches. The plan must be empty. */
  async begin(): Promise<void> {
    await this.#connect();
    void this.#stay();
  }

  /** Resolves when it is connected to a server that knows of it. */
  async isThere(): Promise<void> {
    while (!this.#client?.isOpen) await sleep(10);
  }

  /** Resolves when it has seen all up to `sequence`, which then must be the last, or after a while; then it goes. */
  async end(sequence: number, patienceMs = 15_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while ((this.#watched?.sequence ?? 0) < sequence && performance.now() < deadline) await sleep(10);
    this.#watched?.stayedToTheEnd();
    this.#ended = true;
    await this.#client?.close();
  }

  async #stay(): Promise<void> {
    while (!this.#ended) {
      const client = this.#client;
      await client?.until(() => !client.isOpen);
      if (!this.#ended && client?.closeCode !== undefined) this.closeCodes.push(client.closeCode);
      while (!this.#ended && !this.#client?.isOpen) await this.#connect();
    }
  }

  async #connect(): Promise<void> {
    const name = `${this.#name}.${this.connections}`;
    const watched = this.#history.watch(name, this.planId, this.connections === 0 ? 0 : undefined);
    const { url } = this.#random.pick(this.#servers);
    this.#watched = watched;
    this.#client = await WatchingClient.connect(url, this.planId, name, (frame) => watched.sawRow(rowOf(frame)));
    if (this.#client.isOpen) this.connections++;
    else await sleep(50);
  }
}
