import { Socket } from 'node:net';
import { systemClock } from '../../resilience/clock.ts';

/** How long a server may take to answer a goodbye, in ms. */
const goodbyeMs = 2_000;

/**
 * The sockets of connections, so that none outlives whoever opened them. One whose peer does not answer the goodbye, for
 * the network swallows it, would keep the process from ending for many minutes.
 */
export class Sockets {
  readonly #open = new Set<Socket>();

  /** For `pg`, as the option `stream`. */
  readonly make = (): Socket => {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** Call when all connections have been told to end. Resolves when they are closed; those that do not close are cut. */
  async gone(): Promise<void> {
    const cancel = systemClock.schedule(goodbyeMs, () => {
      for (const socket of this.#open) socket.destroy();
    });
    await Promise.all([...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    cancel();
  }
}
