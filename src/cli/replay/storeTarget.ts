import type { Indelible } from '../../agents/indelible.ts';
import { IndelibleError } from '../../protocol/errors.ts';
import { nobody } from '../../runs/runner.ts';
import { Away, type Patience } from './patience.ts';
import type { Acknowledgement, ReplayTarget } from './replayTarget.ts';
import type { Transcript, TranscriptMessage } from './transcripts.ts';

/** Writes into a store by the way that agents of this process would take: service, group commit, log. */
export class StoreTarget implements ReplayTarget {
  readonly description: string;
  readonly #indelible: Indelible;
  readonly #patience: Patience;

  constructor(indelible: Indelible, patience: Patience) {
    this.#indelible = indelible;
    this.#patience = patience;
    this.description = indelible.store.description;
  }

  async begin({ planId, description }: Transcript): Promise<void> {
    try {
      await this.#patiently(() =>
        this.#indelible.store.plans.create({
          planId,
          sessionId: planId,
          userId: nobody,
          teamId: '',
          description,
          status: 'in_progress',
          createdAt: this.#timestamp(),
        }),
      );
    } catch (error) {
      if (!IndelibleError.is(error, 'plan_exists')) throw error;
    }
  }

  save(message: TranscriptMessage): Promise<Acknowledgement> {
    return this.#patiently(async () => {
      const result = await this.#indelible.save(message);
      if (result.status === 'stored') return { sequence: result.message.sequence, duplicate: result.duplicate };
      throw result.error;
    });
  }

  async end({ planId }: Transcript): Promise<void> {
    await this.#patiently(async () => {
      const found = await this.#indelible.store.plans.find(planId);
      if (found?.status !== 'in_progress') return;
      await this.#indelible.store.plans.change(planId, { status: 'completed', updatedAt: this.#timestamp() });
    });
  }

  close(): Promise<void> {
    return this.#indelible.close();
  }

  /** Tries again, with the same ids, whatever may succeed later. */
  #patiently<T>(action: () => Promise<T>): Promise<T> {
    return this.#patience.until(async () => {
      try {
        return await action();
      } catch (error) {
        const mayComeLater = IndelibleError.is(error) && error.status === 503 && error.code !== 'service_closed';
        throw mayComeLater ? new Away(error) : error;
      }
    });
  }

  #timestamp(): string {
    return new Date(this.#indelible.clock.now()).toISOString();
  }
}
