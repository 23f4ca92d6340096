import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { WireEvent } from '../protocol/liveFrames.ts';
import type { ClientError } from './clientError.ts';
import type { PlanGap, PlanMessage } from './planMessage.ts';

/** What is only live: progress, the start and the end of a run. Not stored; missing one loses no message. */
export type PlanEvent = Extract<LiveEvent, { readonly type: WireEvent['type'] }>;

/**
 * - `connecting`: not connected yet
 * - `catching_up`: is given what there is already
 * - `live`: has all there is, and is given what comes
 * - `offline`: the connection was lost, or the server does not show the plan (then there is an `error`); tried again
 */
export type PlanState = 'connecting' | 'catching_up' | 'live' | 'offline';

/** What can be listened to, and what listeners are given. */
export interface PlanEvents {
  /** A message of the log: in order, each once. */
  readonly message: PlanMessage;
  /** A message that was given before says something else now. */
  readonly update: PlanMessage;
  /** A message that is safe, but not in the database yet. It comes again as `message`. */
  readonly spooled: PlanMessage;
  readonly gap: PlanGap;
  /** All that was given is void: the database is another one. Its messages follow from the first. */
  readonly reset: undefined;
  readonly event: PlanEvent;
  readonly state: PlanState;
  readonly error: ClientError;
}

export type PlanListener<Type extends keyof PlanEvents> = (given: PlanEvents[Type]) => void;

/** Gives events to listeners in the order in which they came; one that throws is told, and disturbs nobody. */
export class PlanEmitter {
  readonly #listeners = new Map<keyof PlanEvents, Set<PlanListener<never>>>();
  readonly #failed: (error: unknown) => void;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  on<Type extends keyof PlanEvents>(type: Type, listener: PlanListener<Type>): () => void {
    const own: PlanListener<Type> = (given) => listener(given);
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(own));
    return () => void listeners.delete(own);
  }

  emit<Type extends keyof PlanEvents>(type: Type, given: PlanEvents[Type]): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        (listener as PlanListener<Type>)(given);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

/** In code's spelling. */
export function planEvent(planId: string, wire: WireEvent): PlanEvent {
  const members = Object.entries(wire).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return { ...Object.fromEntries(members), planId } as PlanEvent;
}
