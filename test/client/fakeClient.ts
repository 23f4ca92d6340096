import { Client, type ClientOptions } from '../../src/client/client.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { FakeServer } from './fakeServer.ts';

/** A client on a fake server and a clock that stands still. Retries come after exactly their bound. */
export function fakeClient(options: Partial<ClientOptions> = {}) {
  const server = new FakeServer();
  const clock = new ManualClock();
  const page = new FakePage();
  const errors: unknown[] = [];
  const client = new Client({
    url: 'http://server.example',
    webSocket: server.WebSocket,
    clock,
    random: () => 1,
    page,
    onError: (error) => errors.push(error),
    ...options,
  });
  return { client, server, clock, page, errors };
}

class FakePage {
  readonly #listeners = new Map<string, Set<() => void>>();

  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  addEventListener(type: string, listener: () => void): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  removeEventListener(type: string, listener: () => void): void {
    this.#listeners.get(type)?.delete(listener);
  }

  is(type: string): void {
    for (const listener of this.#listeners.get(type) ?? []) listener();
  }
}
