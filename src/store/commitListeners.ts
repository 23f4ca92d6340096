import type { StoredMessage } from '../protocol/message.ts';
import type { AppendOutcome, CommitListener, LogPosition, PlanCommit } from './messageLog.ts';

/** Those who want to hear of commits. What one of them throws, or does from within, is no matter to the others. */
export class CommitListeners {
  readonly #listeners = new Set<CommitListener>();
  readonly #untold: (readonly PlanCommit[] | 'unknown')[] = [];

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: CommitListener): () => void {
    // One of its own for each subscription: the same function may subscribe twice.
    const told: CommitListener = (commits) => {
      try {
        listener(commits);
      } catch {
        // The commit stands, and its caller must be told so. A hint that is lost only delays.
      }
    };
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  /** What a listener commits while it is being told is told after that: all hear of commits in their order. */
  tell(commits: readonly PlanCommit[] | 'unknown'): void {
    if (commits.length === 0) return;
    this.#untold.push(commits);
    if (this.#untold.length > 1) return;
    for (let next = this.#untold[0]; next !== undefined; next = this.#untold[0]) {
      for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(next);
      this.#untold.shift();
    }
  }
}

/** What an append did, plan by plan. `heads` are those after it. */
export function commitsOf(
  outcomes: readonly AppendOutcome[],
  heads: ReadonlyMap<string, LogPosition>,
): readonly PlanCommit[] {
  const commits = new Map<string, PlanCommit & { messages: StoredMessage[] }>();
  for (const { status, message } of outcomes) {
    if (status !== 'stored') continue;
    const { planId } = message;
    const commit = commits.get(planId);
    if (commit) commit.messages.push(message);
    else
      commits.set(planId, {
        planId,
        head: { ...(heads.get(planId) as LogPosition) },
        messages: [message],
        updates: [],
      });
  }
  return [...commits.values()];
}
