import type { JsonObject } from '../../protocol/jsonText.ts';
import { type NewMessage, type PreparedMessage, prepareMessage, type StoredMessage } from '../../protocol/message.ts';
import { logStart, type MessageLog } from '../../store/messageLog.ts';

const sampleTime = Date.parse('2026-11-23T10:00:00.000Z');

/** A message as the persistence layer hands it to a store. Left out: plan `plan`, agent `Planner`, the id as content. */
export function sample(messageId: string, fields: Partial<NewMessage> = {}): PreparedMessage {
  const message = { planId: 'plan', agentName: 'Planner', content: `content of ${messageId}`, messageId, ...fields };
  return prepareMessage(message, { now: () => sampleTime });
}

/** `m1`, `m2`, … `m<count>` of one plan. */
export function samples(count: number, fields: Partial<NewMessage> = {}, prefix = 'm'): PreparedMessage[] {
  return Array.from({ length: count }, (_, index) => sample(`${prefix}${index + 1}`, fields));
}

export function withMetadata(messageId: string, metadata: JsonObject): PreparedMessage {
  return sample(messageId, { metadata });
}

/** What a message just appended must read as. */
export function asStored(message: PreparedMessage, sequence: number): StoredMessage {
  const { planId, messageId, body } = message;
  return { planId, messageId, sequence, version: 1, revision: 0, body };
}

/** Only what the contract speaks of: an implementation may add members. */
export function plain(message: StoredMessage | undefined): StoredMessage | undefined {
  if (message === undefined) return undefined;
  const { planId, messageId, sequence, version, revision, body } = message;
  return { planId, messageId, sequence, version, revision, body };
}

/** All messages of a plan, in order. */
export async function allOf(log: MessageLog, planId = 'plan'): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (let position = logStart, more = true; more; ) {
    const page = await log.read(planId, position, 1_000_000);
    for (const message of page.messages) all.push(plain(message) as StoredMessage);
    ({ position, more } = page);
  }
  return all;
}

/** No database can hold it, and no type allows it: what a store makes of a batch that fails half-way. */
export const impossible: PreparedMessage = {
  planId: 'plan',
  messageId: 'impossible',
  body: Symbol('no text') as unknown as string,
};

/** `[1, 2, … count]`. */
export function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
