import fc from 'fast-check';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { WatchedLog } from '../../src/testing/watchedLog.ts';
import { type Frame, rowOf, WatchingClient } from './watchingClient.ts';

/** What becomes of one socket, in steps of the plan it watches. */
export interface SocketScript {
  /** 0: before the plan begins, 1: before its first step. */
  readonly opensAt: number;
  readonly fate: 'stays' | 'drops' | 'closes' | 'pauses';
  /** Steps after it was opened. */
  readonly after: number;
  /** Steps after that: opened anew, or read on. Never if undefined. */
  readonly returnsAfter: number | undefined;
}

const anySocket: fc.Arbitrary<SocketScript> = fc.record({
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
  /** Those that are there from before the plan begins to the end, without a pause. */
  readonly faithful: WatchingClient[] = [];
  readonly #url: string;
  readonly #planId: string;
  readonly #actions = new Map<number, (() => unknown)[]>();
  readonly #paused = new Set<WatchingClient>();
  readonly #shown: (frame: Frame) => unknown;

  /** `shown` is called with each frame of a stored message as it comes. */
  constructor(
    url: string,
    planId: string,
    scripts: readonly SocketScript[],
    shown: (frame: Frame) => unknown = () => {},
  ) {
    this.#url = url;
    this.#planId = planId;
    this.#shown = shown;
    for (const script of scripts) this.#plan(script);
  }

  /** Call before the plan begins. */
  arrive(): Promise<void> {
    return this.#act(0);
  }

  /** Call before each step of the plan, from 0; sockets that open at it have their first frame when this resolves. */
  beforeStep(step: number): Promise<void> {
    return this.#act(step + 1);
  }

  /** All that are open, read again, and have been sent the plan up to `head`. */
  async caughtUp(head: number): Promise<void> {
    for (const client of this.#paused) client.resume();
    this.#paused.clear();
    await Promise.all(this.clients.map((client) => client.until(() => !client.isOpen || client.head >= head)));
  }

  /** What the sockets were sent and should not have been, or the other way round; `rows` are all messages of the plan. */
  violations(rows: readonly AgentMessage[]): string[] {
    return this.clients.flatMap((client, index) => {
      const watched = new WatchedLog(String(index), this.#planId, this.faithful.includes(client) ? 0 : undefined);
      for (const frame of client.messages) watched.sawRow(rowOf(frame));
      if (client.isOpen) watched.stayedToTheEnd();
      return watched.violations(rows);
    });
  }

  async leave(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  #plan({ opensAt, fate, after, returnsAfter }: SocketScript): void {
    // Steps of several agents are taken at the same time: the later may come before the earlier is done.
    const first = Promise.withResolvers<WatchingClient>();
    const open = async () => {
      const client = await WatchingClient.connect(this.#url, this.#planId, `user ${++users}`, this.#shown);
      this.clients.push(client);
      if (fate === 'stays' && opensAt === 0) this.faithful.push(client);
      first.resolve(client);
    };
    this.#at(opensAt, open);
    if (fate === 'stays') return;
    this.#at(opensAt + after, async () => {
      const client = await first.promise;
      if (fate === 'drops') client.drop();
      if (fate === 'closes') await client.close();
      if (fate !== 'pauses') return;
      client.pause();
      this.#paused.add(client);
    });
    if (returnsAfter === undefined) return;
    this.#at(opensAt + after + returnsAfter, async () => {
      if (fate !== 'pauses') return await open();
      const client = await first.promise;
      client.resume();
      this.#paused.delete(client);
    });
  }

  async #act(at: number): Promise<void> {
    await Promise.all((this.#actions.get(at) ?? []).map((action) => action()));
  }

  #at(step: number, action: () => unknown): void {
    const actions = this.#actions.get(step);
    if (actions) actions.push(action);
    else this.#actions.set(step, [action]);
  }
}
