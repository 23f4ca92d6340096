import { z } from 'zod';
import { messageTypes } from '../../protocol/messageType.ts';
import { planStatuses } from '../../protocol/plan.ts';
import { appendAnswerSchema } from '../appendApi.ts';
import { wireErrorSchema } from '../wireError.ts';

/** What calls of /api/v1 answer. Clients pass over members that they do not know. */

const timestamp = z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC, milliseconds, `Z`' });
const planId = z.string().meta({ description: 'The plan' });
const sequence = z.int().min(1).meta({ description: 'The place in the plan: 1, 2, 3 … without gaps' });
const version = z.int().min(1).meta({ description: '1, and one more with every update' });
const cursor = z.string().meta({ description: 'Where to go on. Opaque: hand it back as it is' });
const anything = z.record(z.string(), z.unknown());

export const detailSchema = z
  .object({
    detail: z.union([
      z.string(),
      z.array(
        z.object({
          loc: z
            .array(z.union([z.string(), z.int().nonnegative()]))
            .meta({ description: 'Where, as `["body", "content"]`' }),
          msg: z.string(),
          type: z.string(),
        }),
      ),
    ]),
  })
  .meta({ id: 'Detail', description: 'Why a call was refused: a text, or each place of the body that is wrong' });

const message = z
  .object({
    message_id: z.string(),
    plan_id: z.string(),
    type: z.enum(messageTypes),
    agent_name: z.string(),
    agent_type: z.string(),
    content: z.string(),
    timestamp,
    metadata: anything,
  })
  .meta({ id: 'Message', description: 'A message as it is stored' });

const placed = z
  .object({ sequence, version, message })
  .meta({ id: 'PlacedMessage', description: 'A message with its place in the plan' });

export const pageSchema = z
  .union([
    z.object({
      plan_id: planId,
      gap: z
        .object({ from: z.int().positive(), to: z.int().positive() })
        .optional()
        .meta({ description: 'These messages were trimmed and cannot be had' }),
      messages: z.array(placed).meta({ description: 'What was edited behind the cursor, then what is new' }),
      cursor,
      more: z.boolean().meta({ description: 'Whether there is more now' }),
    }),
    z.object({
      plan_id: planId,
      reset: z.literal(true).meta({ description: 'The cursor is void: read anew, without' }),
    }),
  ])
  .meta({ id: 'Page', description: 'A page of a plan, or that the cursor is void' });

const detail = z.string().meta({ description: 'The error as a text' });

export const appendedSchema = z
  .union([
    appendAnswerSchema.extend({ plan_id: planId, detail: detail.optional() }).meta({ id: 'AppendedOne' }),
    z.object({ plan_id: planId, results: z.array(appendAnswerSchema) }).meta({ id: 'AppendedBatch' }),
  ])
  .meta({ description: 'What became of the message; of a batch, of each of its messages, in order' });

export const updatedSchema = placed
  .extend({ plan_id: planId, message_id: z.string() })
  .meta({ id: 'UpdatedMessage', description: 'The message as it says now' });

export const notUpdatedSchema = z
  .object({
    plan_id: planId,
    message_id: z.string(),
    error: wireErrorSchema,
    detail,
    ...updatedSchema.pick({ sequence: true, version: true, message: true }).partial().shape,
  })
  .meta({ id: 'NotUpdated', description: 'Why not; where somebody else was first, also what the message says now' });

export const draftLengthSchema = z
  .object({
    plan_id: planId,
    draft_id: z.string(),
    length: z
      .int()
      .min(0)
      .meta({ description: 'The length of the text so far, in UTF-16 code units: the next `offset`' }),
  })
  .meta({ id: 'DraftLength', description: 'How far the draft is' });

export const draftRefusedSchema = z
  .object({ plan_id: planId, draft_id: z.string(), error: wireErrorSchema, detail })
  .meta({ id: 'DraftRefused', description: 'Why the text was not taken' });

export const planSchema = z
  .object({
    id: z.string(),
    plan_id: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    description: z.string(),
    initial_goal: z.string().meta({ description: 'The description' }),
    status: z.enum(planStatuses),
    overall_status: z.enum(['in_progress', 'approved', 'completed', 'failed', 'canceled']),
    steps: z.array(anything),
    created_at: timestamp,
    updated_at: timestamp,
    timestamp,
    data_type: z.literal('plan'),
  })
  .meta({ id: 'Plan', description: 'A task that was given to agents' });

const read = z.int().min(0).meta({ description: 'Up to where this user has read' });
const unread = z.int().min(0).meta({ description: 'How many messages are behind that' });

export const listedPlanSchema = planSchema
  .extend({ message_count: z.int().min(0), read, unread })
  .meta({ id: 'ListedPlan', description: 'A plan, and how far the caller has read it' });

export const readPositionSchema = z
  .object({ plan_id: planId, read, unread })
  .meta({ id: 'ReadPosition', description: 'How far the caller has read the plan' });

export const codedSchema = z
  .object({ plan_id: planId, error: wireErrorSchema, detail })
  .meta({ id: 'Coded', description: 'Why a call of a person was not taken' });
