import type { JsonObject, JsonValue } from './jsonText.ts';
import { type MessageBytes, parseMessageBytes, type WireMessageBody } from './messageBytes.ts';
import type { MessageType } from './messageType.ts';
import { pythonRepr } from './pythonRepr.ts';

/** What people are asked to approve, as clients of /api/v3 read it. */
export interface V3ProposedPlan {
  /** The plan's own id: with it clients say which plan they approve. */
  readonly id: string;
  readonly user_request: string;
  readonly team: readonly string[];
  readonly facts: string;
  readonly steps: readonly { readonly agent: string; readonly action: string }[];
}

/** What is no plain agent message has members of its own, made of its metadata; there are few, so those are parsed. */
const members: Readonly<Record<Exclude<MessageType, 'agent_message'>, (body: WireMessageBody) => object>> = {
  plan_approval_request: (body) => ({
    request_id: requestId(body),
    requires_approval: body.metadata['requires_approval'] !== false,
    plan: proposedPlan(body),
  }),
  plan_approval_response: ({ metadata }) => ({
    status: text(metadata['status']),
    feedback: text(metadata['feedback']),
  }),
  user_clarification_request: (body) => {
    const request_id = requestId(body);
    const question = text(body.metadata['question'], body.content);
    return {
      request_id,
      question,
      context: body.metadata['context'] ?? '',
      // All that the web app's v3 edition can read, and it looks for the first text that begins like this.
      clarification: `UserClarificationRequest(question=${pythonRepr(question)}, request_id=${pythonRepr(request_id)})`,
    };
  },
  user_clarification_response: ({ content }) => ({ answer: content }),
  final_result_message: ({ metadata }) => ({ status: metadata['status'] ?? 'completed' }),
};

/**
 * What the payload of a message's frame has beyond its row, as JSON text that begins with a comma; empty for most. `type`
 * is the encoded value. A message that lacks what its type should have (who appended it left it out) shows it as empty.
 */
export function v3ExtraMembers(body: MessageBytes, type: string): string {
  if (type === '"agent_message"') return '';
  const wire = parseMessageBytes(body);
  const made = JSON.stringify(members[wire.type as keyof typeof members](wire));
  return `,${made.slice(1, -1)}`;
}

/** What a message of the type `plan_approval_request` asks to approve. */
export function proposedPlan({ plan_id, metadata }: WireMessageBody): V3ProposedPlan {
  const plan = record(metadata['plan']);
  return {
    id: plan_id,
    user_request: text(plan['user_request']),
    team: list(plan['team']).filter((name) => typeof name === 'string'),
    facts: text(plan['facts']),
    steps: list(plan['steps']).map((step) => ({
      agent: text(record(step)['agent']),
      action: text(record(step)['action']),
    })),
  };
}

/** What the web app's v3 edition takes for an id. */
const readableId = /^[a-fA-F0-9-]+$/;

/**
 * The name under which a client of /api/v3 answers a request: its own, if the web app can read it, else the id of its
 * message. An answer may name either.
 */
function requestId({ message_id, metadata }: WireMessageBody): string {
  const named = text(metadata['request_id']);
  return readableId.test(named) ? named : message_id;
}

function text(value: JsonValue | undefined, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function record(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
