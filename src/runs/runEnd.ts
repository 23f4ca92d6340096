import type { Indelible } from '../agents/indelible.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import { sameContent } from '../protocol/messageBytes.ts';
import type { PlanStatus } from '../protocol/plan.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { FinalResult } from './team.ts';

/** After these the same call may succeed. */
const mayComeLater: readonly ErrorCode[] = [
  'store_unavailable',
  'not_yet_stored',
  'queue_full',
  'spooled',
  'spool_full',
];
const pauses = { initialDelayMs: 50, maxDelayMs: 2_000 };
/** An agent's error can hold a whole page; the plan's last message tells its beginning, in characters. */
const maxReasonLength = 2_000;

/**
 * Stores how a run ended: first its last message, then the plan's status. So whoever reads an ended plan reads all of
 * it. While the database is away both wait for it, until `stop` is aborted; then what was not stored is left undone and
 * the plan stays as it is: not ended.
 *
 * What would break it: taking *pending* or *spooled* for stored. The message would be on its way only, and a plan that
 * is called ended would be read without it.
 */
export class RunEnd {
  readonly #indelible: Indelible;
  readonly planId: string;
  readonly #stop: AbortSignal;

  constructor(indelible: Indelible, planId: string, stop: AbortSignal) {
    this.#indelible = indelible;
    this.planId = planId;
    this.#stop = stop;
  }

  /** The id is the plan's own: a plan has one last message, however often it is saved. */
  get messageId(): string {
    const id = `final-${this.planId}`;
    return id.length <= 256 ? id : 'final';
  }

  /** Resolves when the message is stored. Rejects if it never will be, or when stopped. */
  async saveLast({ agentName, content }: FinalResult, status: PlanStatus): Promise<void> {
    const { planId, messageId } = this;
    const last = { planId, messageId, agentName, content, type: 'final_result_message', metadata: { status } } as const;
    const backoff = new Backoff(pauses);
    for (;;) {
      const result = await this.#indelible.save(last);
      if (result.status === 'stored') return;
      if (!mayComeLater.includes(result.error.code)) throw result.error;
      do {
        await this.#pause(backoff.next(), result.error);
        if (result.message !== undefined && (await this.#isStored(result.message))) return;
      } while (this.#mayStillWait(result));
    }
  }

  /** Resolves when the status is stored. Rejects if it never will be, or when stopped. */
  async changeStatus(status: PlanStatus): Promise<void> {
    const backoff = new Backoff(pauses);
    for (;;) {
      try {
        const updatedAt = new Date(this.#indelible.clock.now()).toISOString();
        await this.#indelible.store.plans.change(this.planId, { status, updatedAt });
        return;
      } catch (error) {
        if (!IndelibleError.is(error) || !mayComeLater.includes(error.code)) throw error;
        await this.#pause(backoff.next(), error);
      }
    }
  }

  #mayStillWait({ status }: SaveResult): boolean {
    const { persistence } = this.#indelible;
    if (status === 'spooled') return persistence.outage().depth > 0;
    return status === 'pending' && persistence.queued > 0;
  }

  /**
   * Whether a message that was accepted has been stored since. As long as it may still wait it is looked for and not
   * saved again: during a long outage that would fill the queue.
   */
  async #isStored({ planId, messageId, body }: PreparedMessage): Promise<boolean> {
    try {
      const found = await this.#indelible.store.log.find(planId, messageId);
      return found !== undefined && sameContent(found.body, body);
    } catch {
      return false; // nothing is stored where nothing can be read
    }
  }

  #pause(delayMs: number, error: IndelibleError): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        cancel();
        reject(error);
      };
      const cancel = this.#indelible.clock.schedule(delayMs, () => {
        this.#stop.removeEventListener('abort', stop);
        resolve();
      });
      if (this.#stop.aborted) stop();
      else this.#stop.addEventListener('abort', stop, { once: true });
    });
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
