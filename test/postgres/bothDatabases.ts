import fc from 'fast-check';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { logStart, type MessageLog } from '../../src/store/messageLog.ts';
import { anyObject, anyText } from '../../src/testing/contract/anyContent.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { anyJson } from '../protocol/anyJson.ts';

/** Random messages, their metadata holding any JSON there is. */
export function anyMessages(count: number, seed: number): PreparedMessage[] {
  const random = new SeededRandom(seed);
  const values = fc.sample(anyJson, { numRuns: count, seed });
  return oneTo(count).map((number) =>
    sample(`m${number}`, {
      content: anyText(random, 200),
      agentName: anyText(random, 30) || 'nobody',
      agentType: anyText(random, 12) || 'agent',
      metadata: random.below(2) === 0 ? anyObject(random, 4) : { value: values[number - 1] },
    }),
  );
}

/** Stores the messages in each log and answers those that are not read back from all of them to the same characters. */
export async function differingBodies(logs: readonly MessageLog[], messages: readonly PreparedMessage[]) {
  const read = await Promise.all(
    logs.map(async (log) => {
      for (let start = 0; start < messages.length; start += 500) await log.append(messages.slice(start, start + 500));
      const page = await log.read('plan', logStart, messages.length + 1);
      return page.messages.map(({ body }) => body);
    }),
  );
  return messages.flatMap((message, index) => {
    const bodies = [...read.map((bodies) => bodies[index]), message.body];
    return new Set(bodies).size === 1 ? [] : [bodies];
  });
}
