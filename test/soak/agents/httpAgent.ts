import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../../src/testing/contract/seededRandom.ts';
import type { Gate } from '../gate.ts';
import { Journal } from '../journal.ts';
import { hashOf, type Lane, messageOf } from '../lane.ts';
import type { Answered, Timeline } from '../timeline.ts';

export interface HttpServer {
  readonly name: string;
  readonly url: string;
}

export interface HttpAgentOptions {
  readonly folder: string;
  readonly seed: number;
  readonly lane: Lane;
  /** The one it begins with; goes on to the next where it fails over. */
  readonly servers: readonly HttpServer[];
  /**
   * Whether it goes to another server when its own is away. Its messages are in order for each server: what one has on
   * its disk comes into the log when that one is back. One that does not waits for its server, and is in order as a whole.
   */
  readonly failsOver: boolean;
  readonly gate: Gate;
  readonly timeline: Timeline;
}

interface Answer {
  readonly status: Answered;
  readonly sequence?: number;
  /** Why it was refused. */
  readonly why?: string;
}

const unanswered: Answer = { status: 'unanswered' };
const triesBeforeFailover = 3;

/** An agent that appends over HTTP: 20 to 200 ms after one message was acknowledged it writes the next. */
export class HttpAgent {
  /** Refusals that sending the same again cannot mend. There must be none. */
  readonly refusals: string[] = [];
  readonly #options: HttpAgentOptions;
  readonly #random: SeededRandom;
  readonly #journals = new Map<string, Journal>();
  #at = 0;
  #stopped = false;

  constructor(options: HttpAgentOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ^ hashOf(options.lane.name));
  }

  /** Resolves when it was stopped and what it wrote last is acknowledged. */
  async run(): Promise<void> {
    for (let number = 1; !this.#stopped; number++) {
      await sleep(20 + this.#random.below(180));
      await this.#options.gate.pass(() => this.#write(number));
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #write(number: number): Promise<void> {
    const { lane, seed, servers, failsOver, timeline } = this.#options;
    const message = messageOf(lane, number, seed);
    const { messageId: message_id, agentName: agent_name, content, metadata } = message;
    const body = JSON.stringify({ message_id, agent_name, content, metadata });
    let journal: Journal | undefined;
    for (let failures = 0; ; ) {
      const server = servers[this.#at % servers.length] as HttpServer;
      if (journal !== this.#journalAt(server)) {
        journal = this.#journalAt(server);
        journal.submitted(number);
      }
      const startedAt = performance.now();
      const answer = await post(`${server.url}/api/v1/plans/${lane.planId}/messages`, body);
      timeline.add(answer.status, performance.now() - startedAt);
      if (answer.status === 'stored' || answer.status === 'spooled') {
        journal.acknowledged(number, answer.sequence);
        return;
      }
      if (answer.why !== undefined) this.refusals.push(`${message_id}: ${answer.why}`);
      failures = answer.status === 'unanswered' ? failures + 1 : 0;
      if (failsOver && failures >= triesBeforeFailover) {
        this.#at++;
        failures = 0;
      }
      await sleep(50 + this.#random.below(150));
    }
  }

  #journalAt({ name }: HttpServer): Journal {
    let journal = this.#journals.get(name);
    if (journal === undefined) {
      journal = new Journal(this.#options.folder, this.#options.lane, name);
      this.#journals.set(name, journal);
    }
    return journal;
  }
}

async function post(url: string, body: string): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const said = JSON.parse(text) as { status?: Answered; sequence?: number };
    if (said.status === 'stored' || said.status === 'spooled') return said as Answer;
    if (response.status === 503) return { status: said.status ?? 'unanswered' };
    return { status: said.status ?? 'refused', why: `${response.status} ${text.slice(0, 200)}` };
  } catch {
    return unanswered;
  }
}
