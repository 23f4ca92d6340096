import type { NewMessage } from '../../src/protocol/message.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Workload } from '../workload.ts';

export interface CallersOptions {
  readonly callers: number;
  readonly messagesPerCall: number;
  readonly seconds: number;
}

export interface Called {
  readonly messages: number;
  readonly tookMs: number;
  /** From the call to its answer, call by call. */
  readonly waits: readonly number[];
}

/**
 * Agents at work: each caller takes the plan that has waited longest, hands over its next messages and, when it is
 * answered, gives the plan back. So a plan is written by one caller at a time and in order, as a run of agents does it,
 * and no contender meets conflicts that its users would not have.
 */
export class Callers {
  readonly #workload: Workload;
  readonly #idle: number[];
  readonly #made: number[];

  constructor(workload: Workload) {
    this.#workload = workload;
    this.#idle = workload.planIds.map((_, plan) => plan);
    this.#made = workload.planIds.map(() => 0);
  }

  /** At most as many callers as there are plans. */
  async run(
    { callers, messagesPerCall, seconds }: CallersOptions,
    call: (messages: readonly NewMessage[]) => Promise<void>,
  ): Promise<Called> {
    const waits: number[] = [];
    const start = monotonicMs();
    const caller = async () => {
      for (let now = start; now < start + seconds * 1000; ) {
        const plan = this.#idle.shift() as number;
        await call(this.#next(plan, messagesPerCall));
        this.#idle.push(plan);
        const answered = monotonicMs();
        waits.push(answered - now);
        now = answered;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return { messages: waits.length * messagesPerCall, tookMs: monotonicMs() - start, waits };
  }

  #next(plan: number, count: number): NewMessage[] {
    const first = this.#made[plan] ?? 0;
    this.#made[plan] = first + count;
    const plans = this.#workload.planIds.length;
    return Array.from({ length: count }, (_, index) => this.#workload.message(plan + plans * (first + index)));
  }
}
