import { derivedUuid } from '../agents/derivedUuid.ts';
import type { AgentMessage, NewMessage } from '../protocol/message.ts';
import type { Plan } from '../protocol/plan.ts';
import type { RunAnswer, RunRequest } from '../store/runRecords.ts';
import type { Answer, Question } from './question.ts';
import type { Team } from './team.ts';

/** Of the approval that a team's definition asks for. */
export const planApprovalId = 'plan-approval';

const approvals = ['ok', 'yes', 'approve', 'approved'];
const refusals = ['no', 'reject', 'rejected'];

export function isApprovalWord(text: string): boolean {
  return approvals.includes(text.trim().toLowerCase());
}

export function isRefusalWord(text: string): boolean {
  return refusals.includes(text.trim().toLowerCase());
}

/** The record of a question, by which it is answered. */
export function requestOf(planId: string, { requestId, kind }: Question): RunRequest {
  return { requestId, kind, messageId: derivedUuid(planId, 'question', requestId) };
}

/** The message that asks. The same question again has the same id. */
export function questionMessage(plan: Plan, team: Team, question: Question): NewMessage {
  const { planId } = plan;
  const { requestId: request_id, asker } = question;
  const { messageId } = requestOf(planId, question);
  const agentName = asker || team.name;
  if (question.kind === 'clarification') {
    const { question: content, context } = question;
    const metadata = { request_id, question: content, context };
    return { planId, messageId, agentName, type: 'user_clarification_request', content, metadata };
  }
  const { facts, steps, userRequest = plan.description } = question;
  const told = {
    id: planId,
    user_request: userRequest,
    team: team.agents.map(({ name }) => name),
    facts,
    steps: steps.map(({ agent, action }) => ({ agent, action })),
  };
  const metadata = { request_id, requires_approval: true, plan: told };
  const lines = steps.map(({ agent, action }, index) => `${index + 1}. ${agent}: ${action}`);
  const content = [`Please approve this plan: ${userRequest}`, facts, lines.join('\n')]
    .filter((text) => text !== '')
    .join('\n\n');
  return { planId, messageId, agentName, type: 'plan_approval_request', content, metadata };
}

/** The message that answers. The same answer again is the same message. */
export function answerMessage(planId: string, request: RunRequest, answer: RunAnswer): NewMessage {
  const { approved, text, answeredAt: timestamp } = answer;
  const messageId = answerId(planId, request.messageId);
  const said = { planId, messageId, agentName: 'Human', agentType: 'Human_Agent', timestamp };
  if (request.kind === 'clarification') {
    const metadata = { request_id: request.requestId };
    return { ...said, type: 'user_clarification_response', content: text, metadata };
  }
  const status = approved ? 'approved' : 'rejected';
  const metadata = { request_id: request.requestId, status, feedback: text };
  return { ...said, type: 'plan_approval_response', content: text || (approved ? 'Approved.' : 'Rejected.'), metadata };
}

/** Of the message that answers a question. */
export function answerId(planId: string, questionId: string): string {
  return derivedUuid(planId, 'answer', questionId);
}

/** What a message of {@link answerMessage} said; undefined for any other. */
export function answerOf({ type, content, metadata }: AgentMessage): Answer | undefined {
  if (type === 'user_clarification_response') return { approved: false, text: content };
  if (type !== 'plan_approval_response') return undefined;
  return { approved: metadata['status'] === 'approved', text: String(metadata['feedback'] ?? '') };
}
