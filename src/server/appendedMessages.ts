import { v7 as uuidV7 } from 'uuid';
import { z } from 'zod';
import { IndelibleError } from '../protocol/errors.ts';
import { idSchema, type NewMessage, nameSchema, prepareMessage } from '../protocol/message.ts';
import { messageTypes } from '../protocol/messageType.ts';
import type { Refusal, RequestIssue } from './detail.ts';
import { inWireWords } from './wireError.ts';

export type AppendedMessage = NewMessage & { readonly messageId: string };

const maxMessages = 1_000;

/** Members that are not known are refused: a misspelt `metadata` would be lost in silence. */
const messageSchema = z
  .strictObject({
    message_id: idSchema.optional().meta({ description: 'Unique in the plan. Left out: the server makes one' }),
    agent_name: nameSchema.meta({ description: 'Who wrote it' }),
    agent_type: nameSchema.optional().meta({ description: '`agent`, `tool`, `user` …: free. Left out: `agent`' }),
    type: z.enum(messageTypes).optional().meta({ description: 'Left out: `agent_message`' }),
    content: z.string().meta({ description: 'May be empty: a tool call has no text' }),
    // As it was parsed: zod's own records leave out a key named `__proto__`.
    metadata: z.unknown().optional().meta({ type: 'object', description: 'Any JSON that carries no loss' }),
    timestamp: z.string().optional().meta({ description: 'ISO 8601; without a zone UTC. Left out: now' }),
  })
  .meta({ id: 'NewMessage', description: 'A message to append' });

const batchSchema = z
  .strictObject({ messages: z.array(messageSchema).max(maxMessages) })
  .meta({ id: 'NewMessages', description: 'A batch to append' });

/** What {@link appendSchema} takes, told. */
export const messageOrBatchSchema = z.union([messageSchema, batchSchema]);

/** One message object, or `{messages: […]}`. Which of the two is meant is told by the member `messages`. */
export const appendSchema = z
  .unknown()
  .transform((body, context): z.infer<typeof batchSchema | typeof messageSchema> => {
    const batch = typeof body === 'object' && body !== null && Object.hasOwn(body, 'messages');
    const parsed = (batch ? batchSchema : messageSchema).safeParse(body);
    if (parsed.success) return parsed.data;
    context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: body }) as z.core.$ZodRawIssue));
    return z.NEVER;
  });

interface Appended {
  readonly messages: readonly AppendedMessage[];
  /** They came as `{messages: […]}`, and are to be answered so. */
  readonly batch: boolean;
}

/**
 * The messages of a body, each with an id; or why it is refused as a whole, naming every place that is wrong. Of what a
 * save can refuse for its input, only the size is left to the save.
 */
export function appendedMessages(
  body: z.infer<typeof appendSchema>,
  planId: string,
  now: () => number,
): Appended | { readonly refusal: Refusal } {
  const batch = 'messages' in body;
  const messages = (batch ? body.messages : [body]).map(
    (wire): AppendedMessage => ({
      planId,
      messageId: wire.message_id ?? uuidV7(),
      agentName: wire.agent_name,
      agentType: wire.agent_type,
      type: wire.type,
      content: wire.content,
      metadata: wire.metadata as NewMessage['metadata'],
      timestamp: wire.timestamp,
    }),
  );
  const issues = messages.flatMap((message, index) =>
    issuesOf(message, batch ? ['body', 'messages', index] : ['body'], now),
  );
  return issues.length === 0 ? { messages, batch } : { refusal: { status: 422, detail: issues } };
}

function issuesOf(message: NewMessage, loc: readonly (string | number)[], now: () => number): RequestIssue[] {
  try {
    prepareMessage(message, { now, maxMessageBytes: Number.POSITIVE_INFINITY });
    return [];
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    const { field, message } = inWireWords(error);
    return [{ loc: field === '' ? loc : [...loc, field], msg: message, type: error.code }];
  }
}
