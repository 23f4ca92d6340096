import { setTimeout as sleep } from 'node:timers/promises';
import { anyText } from '../../src/testing/contract/anyContent.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import type { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { History } from '../../src/testing/history.ts';
import type { Submission } from '../../src/testing/submission.ts';

interface Answer {
  readonly message_id: string;
  readonly status: 'stored' | 'spooled' | 'pending' | 'refused';
  readonly sequence?: number;
  readonly error?: { readonly code: string };
}

/** An agent that appends over HTTP, one or a few messages a call, each time to any of the servers. */
export class RemoteAgent {
  readonly #name: string;
  readonly #planId: string;
  readonly #servers: readonly { readonly url: string }[];
  readonly #history: History;
  readonly #random: SeededRandom;
  #written = 0;

  constructor(
    name: string,
    planId: string,
    servers: readonly { readonly url: string }[],
    history: History,
    random: SeededRandom,
  ) {
    this.#name = name;
    this.#planId = planId;
    this.#servers = servers;
    this.#history = history;
    this.#random = random;
  }

  /** Writes about so many messages; sends again, to any server, what was not answered as stored. */
  async write(count: number): Promise<void> {
    while (this.#written < count) {
      const submissions = oneTo(1 + this.#random.below(4)).map(() => this.#submit());
      for (let left = submissions; left.length > 0; ) {
        const answers = await this.#post(left);
        for (const answer of answers) settle(left, answer);
        left = left.filter(({ outcome }) => outcome === 'unknown');
        if (left.length > 0) await sleep(20 + this.#random.below(50));
      }
    }
  }

  #submit(): Submission {
    const messageId = `${this.#name}-${++this.#written}`;
    const content = anyText(this.#random, 60);
    return this.#history.submit(this.#name, { planId: this.#planId, messageId, agentName: this.#name, content });
  }

  /** No answers if the server was away. */
  async #post(submissions: readonly Submission[]): Promise<readonly Answer[]> {
    const messages = submissions.map(({ message: { messageId, agentName, content } }) => {
      return { message_id: messageId, agent_name: agentName, content };
    });
    const { url } = this.#random.pick(this.#servers);
    try {
      const response = await fetch(`${url}/api/v1/plans/${encodeURIComponent(this.#planId)}/messages`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ messages }),
        signal: AbortSignal.timeout(10_000),
      });
      const { results = [] } = (await response.json()) as { readonly results?: readonly Answer[] };
      return results;
    } catch {
      return [];
    }
  }
}

function settle(submissions: readonly Submission[], { message_id, status, sequence, error }: Answer): void {
  const submission = submissions.find(({ messageId }) => messageId === message_id);
  if (status === 'stored') submission?.acknowledged(sequence);
  // Durable at the server, which has yet to give it its place.
  if (status === 'spooled') submission?.acknowledged();
  if (status === 'refused' && error?.code !== 'service_closed') submission?.refused(error?.code);
}
