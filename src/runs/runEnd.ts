import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { type PlanStatus, planStatuses } from '../protocol/plan.ts';
import type { HeldRun } from '../store/runRecords.ts';
import { insist } from './insist.ts';
import { storedSurely } from './storedSurely.ts';
import type { FinalResult } from './team.ts';

/** An agent's error can hold a whole page; the plan's last message tells its beginning, in characters. */
const maxReasonLength = 2_000;

/**
 * Stores how a run ended: first its last message, then the plan's status. So whoever reads an ended plan reads all of
 * it. While the database is away both wait for it, until `stop` is aborted; then what was not stored is left undone and
 * the plan stays as it is: not ended. A run that is not held any more is not ended here.
 */
export class RunEnd {
  readonly #indelible: Indelible;
  readonly #held: HeldRun;
  readonly #stop: AbortSignal;

  constructor(indelible: Indelible, held: HeldRun, stop: AbortSignal) {
    this.#indelible = indelible;
    this.#held = held;
    this.#stop = stop;
  }

  get planId(): string {
    return this.#held.planId;
  }

  /** The id is the plan's own: a plan has one last message, however often it is saved. */
  get messageId(): string {
    const id = `final-${this.planId}`;
    return id.length <= 256 ? id : 'final';
  }

  /** The status that a last message tells which is stored already: by an owner who died, or slept, before its end was. */
  async saidBefore(): Promise<PlanStatus | undefined> {
    const patience = { clock: this.#indelible.clock, stop: this.#stop };
    const found = await insist(patience, () => this.#indelible.find(this.planId, this.messageId));
    if (found?.type !== 'final_result_message') return undefined;
    return planStatuses.find((status) => status === found.metadata['status']);
  }

  /**
   * Resolves when the message is stored; answers the status it tells, which is that of another one if that came first.
   * Rejects if it never will be, or when stopped.
   */
  async saveLast({ agentName, content }: FinalResult, status: PlanStatus): Promise<PlanStatus> {
    const { planId, messageId } = this;
    const last = { planId, messageId, agentName, content, type: 'final_result_message', metadata: { status } } as const;
    try {
      await storedSurely(this.#indelible, last, this.#stop);
      return status;
    } catch (error) {
      const said = IndelibleError.is(error, 'message_conflict') ? await this.saidBefore() : undefined;
      if (said === undefined) throw error;
      return said;
    }
  }

  /** Resolves when the status is stored; false: the run is not held any more. Rejects if it never will be, or when stopped. */
  async changeStatus(status: PlanStatus): Promise<boolean> {
    const { clock, store } = this.#indelible;
    return await insist({ clock, stop: this.#stop }, () =>
      store.runs.end(this.#held, status, new Date(clock.now()).toISOString()),
    );
  }
}

/** What went wrong, for the plan's last message. Never throws, whatever was thrown. */
export function reasonOf(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message || error.name : String(error);
    return text.length <= maxReasonLength ? text : `${text.slice(0, maxReasonLength)}…`;
  } catch {
    return 'what was thrown cannot be read';
  }
}
