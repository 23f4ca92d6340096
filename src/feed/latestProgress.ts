import type { LiveEvent } from '../protocol/liveEvent.ts';

type Progress = Extract<LiveEvent, { readonly type: 'progress_update' | 'step_progress' }>;

/** Plans remembered; whoever publishes progress and never an end makes the oldest be forgotten, not the memory full. */
const maxPlans = 10_000;

/** How far the runs that are on their way were last said to be, for a watcher that comes in the middle of one. */
export class LatestProgress {
  readonly #plans = new Map<string, Progress>();

  of(planId: string): Progress | undefined {
    return this.#plans.get(planId);
  }

  follow(event: LiveEvent): void {
    if (event.type === 'progress_update' || event.type === 'step_progress') this.#remember(event);
    else if (event.type === 'workflow_completed') this.#plans.delete(event.planId);
  }

  #remember(progress: Progress): void {
    this.#plans.delete(progress.planId);
    this.#plans.set(progress.planId, progress);
    if (this.#plans.size <= maxPlans) return;
    for (const oldest of this.#plans.keys()) {
      this.#plans.delete(oldest);
      return;
    }
  }
}
