import { setTimeout as sleep } from 'node:timers/promises';
import type { Indelible } from '../../../src/agents/indelible.ts';
import { oneTo } from '../../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../../src/testing/contract/seededRandom.ts';
import type { Gate } from '../gate.ts';
import { Journal } from '../journal.ts';
import { hashOf, type Lane, messageOf } from '../lane.ts';
import type { Answered } from '../timeline.ts';

export interface HostedAgentOptions {
  readonly indelible: Pick<Indelible, 'save'>;
  readonly folder: string;
  /** The process it lives in. */
  readonly host: string;
  readonly seed: number;
  readonly lane: Lane;
  /** Messages it saves without waiting between them. */
  readonly atOnce: number;
  readonly gate: Gate;
  readonly answered: (status: Answered, ms: number) => void;
}

/** An agent inside a process that has the log open. After a kill it says again what it was not acknowledged. */
export class HostedAgent {
  readonly #options: HostedAgentOptions;
  readonly #random: SeededRandom;
  readonly #journal: Journal;

  constructor(options: HostedAgentOptions) {
    const { folder, lane, host, seed } = options;
    this.#options = options;
    this.#journal = new Journal(folder, lane, host);
    this.#random = new SeededRandom(seed ^ hashOf(lane.name) ^ this.#journal.last);
  }

  /** For as long as the process lives. */
  async run(): Promise<never> {
    const { gate, atOnce } = this.#options;
    await this.#deliver(this.#journal.unsettled);
    for (let last = this.#journal.last; ; ) {
      await sleep(20 + this.#random.below(180));
      await gate.pass(async () => {
        const burst = oneTo(1 + this.#random.below(atOnce)).map((offset) => last + offset);
        last += burst.length;
        await this.#deliver(burst);
      });
    }
  }

  /** In their order, until all are acknowledged. */
  async #deliver(numbers: readonly number[]): Promise<void> {
    for (let left = numbers; left.length > 0; ) {
      const acknowledged = await Promise.all(left.map((number) => this.#save(number)));
      left = left.filter((_, index) => !acknowledged[index]);
      if (left.length > 0) await sleep(50 + this.#random.below(150));
    }
  }

  async #save(number: number): Promise<boolean> {
    const { indelible, lane, seed, answered } = this.#options;
    const startedAt = performance.now();
    this.#journal.submitted(number);
    const result = await indelible.save(messageOf(lane, number, seed) as Parameters<Indelible['save']>[0]);
    answered(result.status, performance.now() - startedAt);
    if (result.status !== 'stored' && result.status !== 'spooled') return false;
    this.#journal.acknowledged(number, result.status === 'stored' ? result.message.sequence : undefined);
    return true;
  }
}
