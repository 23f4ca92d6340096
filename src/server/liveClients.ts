import type { Clock } from '../resilience/clock.ts';
import { closeInTime } from './closeInTime.ts';
import type { LiveClient } from './liveClient.ts';
import type { ServerLimits } from './serverLimits.ts';

/** The clients of `indelible.v1` that are connected: how many a user may have, and their end with the server's. */
export class LiveClients {
  readonly #clock: Clock;
  readonly #limits: ServerLimits;
  readonly #clients = new Set<LiveClient>();
  readonly #ofUser = new Map<string, number>();
  #closing = false;

  constructor(clock: Clock, limits: ServerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Whether the user has as many as are allowed. */
  isFull(userId: string): boolean {
    return (this.#ofUser.get(userId) ?? 0) >= this.#limits.liveConnectionsPerUser;
  }

  add(client: LiveClient): void {
    const { userId } = client;
    this.#clients.add(client);
    this.#ofUser.set(userId, (this.#ofUser.get(userId) ?? 0) + 1);
    void client.ended.then(() => {
      this.#clients.delete(client);
      const left = (this.#ofUser.get(userId) ?? 1) - 1;
      if (left > 0) this.#ofUser.set(userId, left);
      else this.#ofUser.delete(userId);
    });
    if (this.#closing) client.close();
  }

  /** Resolves when all are gone. Those that do not go in time are cut off. */
  async closeAll(timeoutMs = this.#limits.closeTimeoutMs): Promise<void> {
    this.#closing = true;
    await closeInTime([...this.#clients], (client) => client.close(), this.#clock, timeoutMs);
  }
}
