import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What can happen to the network. */
export type NetworkState = 'pass' | 'blackHole';

/**
 * A `TcpProxy` in a thread of its own: in the loop of those who make the load it would be as slow as they are busy, and
 * the database behind it would look slow to everybody.
 */
export class Network {
  readonly #worker: Worker;
  /** The URL it was made with, as it leads through the network. */
  readonly url: string;

  private constructor(worker: Worker, url: string) {
    this.#worker = worker;
    this.url = url;
  }

  static async start(target: string, seed: number): Promise<Network> {
    const worker = new Worker(new URL('./networkThread.ts', import.meta.url), { workerData: { target, seed } });
    const [url] = (await once(worker, 'message')) as [string];
    return new Network(worker, url);
  }

  pass(): Promise<void> {
    return this.#become('pass');
  }

  /** Connections are taken, and nothing passes. */
  blackHole(): Promise<void> {
    return this.#become('blackHole');
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #become(state: NetworkState): Promise<void> {
    this.#worker.postMessage(state);
    await once(this.#worker, 'message');
  }
}
