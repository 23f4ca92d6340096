import { type NewMessage, prepareMessage } from '../src/protocol/message.ts';

/** Length of an encoded message in bytes, give or take the digits of its number. */
export const messageBytes = 600;

const agents = ['planner', 'researcher', 'writer', 'critic'];
const words =
  'the agent reads "flight 4711" from the tool\'s answer and asks the user whether the later connection would do; ' +
  'it costs 40 € less, arrives at 21:35 and has two seats by the window.\n';

/** Messages as agents write them, going round the plans; the n-th is always the same. */
export class Workload {
  readonly planIds: readonly string[];
  readonly #contents: readonly string[];

  constructor(plans: number, bytes = messageBytes) {
    this.planIds = Array.from({ length: plans }, (_, plan) => `plan-${String(plan).padStart(6, '0')}`);
    this.#contents = Array.from({ length: 97 }, (_, start) => fill(start, bytes, this.planIds[0] as string));
  }

  message(n: number): NewMessage {
    return {
      planId: this.planIds[n % this.planIds.length] as string,
      agentName: agents[n % agents.length] as string,
      content: this.#contents[n % this.#contents.length] as string,
      metadata: { step: n, tool: 'search' },
    };
  }
}

/** Text that makes a message of `bytes` bytes. */
function fill(start: number, bytes: number, planId: string): string {
  const text = words.repeat(Math.ceil(bytes / words.length) + 1).slice(start);
  const size = (content: string) => {
    const message = { planId, agentName: 'researcher', content, metadata: { step: 10_000, tool: 'search' } };
    return Buffer.byteLength(prepareMessage(message, { now: Date.now }).body);
  };
  let length = Math.max(0, bytes - size(''));
  while (length > 0 && size(text.slice(0, length)) > bytes) length--;
  return text.slice(0, length);
}
