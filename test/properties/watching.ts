import fc from 'fast-check';
import { WatchingClient } from './watchingClient.ts';

/** What becomes of one socket, in steps of the plan it watches. */
export interface SocketScript {
  /** 0: before the plan begins. */
  readonly opensAt: number;
  readonly fate: 'stays' | 'drops' | 'closes' | 'pauses';
  /** Steps after it was opened. */
  readonly after: number;
  /** Steps after that: opened anew, or read on. Never if undefined. */
  readonly returnsAfter: number | undefined;
}

export const anySocket: fc.Arbitrary<SocketScript> = fc.record({
  opensAt: fc.oneof(fc.constant(0), fc.nat({ max: 8 })),
  fate: fc.constantFrom('stays', 'drops', 'closes', 'pauses'),
  after: fc.nat({ max: 8 }),
  returnsAfter: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
});

/** The sockets of each plan of an execution: none, one, several. */
export function anySockets(maxPlans = 3, maxSockets = 3): fc.Arbitrary<SocketScript[][]> {
  return fc.array(fc.array(anySocket, { maxLength: maxSockets, size: 'max' }), {
    minLength: maxPlans,
    maxLength: maxPlans,
  });
}

let users = 0;

/** The sockets that watch one plan while it runs. */
export class Audience {
  /** All there were, also those that are gone. */
  readonly clients: WatchingClient[] = [];
  /** Those that were there before the first step and stay to the end, without a pause. */
  readonly faithful: WatchingClient[] = [];
  readonly #url: string;
  readonly #planId: string;
  readonly #actions = new Map<number, (() => unknown)[]>();
  readonly #paused = new Set<WatchingClient>();

  constructor(url: string, planId: string, scripts: readonly SocketScript[]) {
    this.#url = url;
    this.#planId = planId;
    for (const script of scripts) this.#plan(script);
  }

  /** Call before each step of the plan; the sockets that open at it have their first frame when this resolves. */
  async beforeStep(step: number): Promise<void> {
    for (const action of this.#actions.get(step) ?? []) await action();
  }

  /** All that are open, read again, and have been sent the plan up to `head`. */
  async caughtUp(head: number): Promise<void> {
    for (const client of this.#paused) client.resume();
    this.#paused.clear();
    await Promise.all(this.clients.map((client) => client.until(() => !client.isOpen || client.head >= head)));
  }

  async leave(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  #plan({ opensAt, fate, after, returnsAfter }: SocketScript): void {
    let client: WatchingClient;
    const open = async () => {
      client = await WatchingClient.connect(this.#url, this.#planId, `user ${++users}`);
      this.clients.push(client);
      if (fate === 'stays' && opensAt === 0) this.faithful.push(client);
    };
    this.#at(opensAt, open);
    if (fate === 'stays') return;
    this.#at(opensAt + after, async () => {
      if (fate === 'drops') client.drop();
      if (fate === 'closes') await client.close();
      if (fate === 'pauses') {
        client.pause();
        this.#paused.add(client);
      }
    });
    if (returnsAfter === undefined) return;
    this.#at(opensAt + after + returnsAfter, async () => {
      if (fate !== 'pauses') await open();
      client.resume();
      this.#paused.delete(client);
    });
  }

  #at(step: number, action: () => unknown): void {
    const actions = this.#actions.get(step);
    if (actions) actions.push(action);
    else this.#actions.set(step, [action]);
  }
}
