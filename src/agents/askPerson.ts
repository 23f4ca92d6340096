import { interrupt } from '@langchain/langgraph';
import { approvalType, clarificationType } from './askedOfPerson.ts';

/** What a person is to approve. */
export interface ApprovalRequest {
  /** What is known before. */
  readonly facts?: string | undefined;
  readonly steps: readonly { readonly agent: string; readonly action: string }[];
  /** Default the task. */
  readonly userRequest?: string | undefined;
}

export interface Approval {
  readonly approved: boolean;
  /** What was said with it. May be empty, and is also there where nothing was approved. */
  readonly feedback: string;
}

/**
 * Asks a person to approve a plan, from within a node: LangGraph's `interrupt`, so the node is executed again from its
 * beginning when there is an answer, in whichever process, however many days later. The node decides what a rejection
 * means. What `interrupt` throws must be let through.
 *
 * ```ts
 * const { approved, feedback } = askApproval({ steps: [{ agent: 'Booker', action: 'Books the flight' }] });
 * ```
 */
export function askApproval({ facts, steps, userRequest }: ApprovalRequest): Approval {
  const asked = { type: approvalType, facts: facts ?? '', steps, ...(userRequest !== undefined && { userRequest }) };
  return interrupt<unknown, Approval>(asked);
}

/** Asks a person a question, from within a node, and answers what was said: as {@link askApproval}. */
export function askQuestion(question: string, context = ''): string {
  return interrupt<unknown, string>({ type: clarificationType, question, context });
}
