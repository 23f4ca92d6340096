import { anyText } from '../../src/testing/contract/anyContent.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { SubmittedMessage } from '../../src/testing/messageContent.ts';

/** One line of messages of one agent to one plan: the next is written when the last was acknowledged. */
export interface Lane {
  readonly planId: string;
  readonly agentName: string;
  /** Of all lanes of a soak only one has it. */
  readonly name: string;
}

/** The lane's `number`th message: the same whoever asks, so that a process that was killed can say it again. */
export function messageOf({ planId, agentName, name }: Lane, number: number, seed: number): SubmittedMessage {
  const messageId = `${name}-${number}`;
  const random = new SeededRandom(seed ^ hashOf(messageId));
  return {
    planId,
    messageId,
    agentName,
    content: anyText(random, 240),
    metadata: { number, said: anyText(random, 20) },
  };
}

export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
