import { approvalType, clarificationType } from '../../agents/askedOfPerson.ts';
import { derivedUuid } from '../../agents/derivedUuid.ts';
import type { Answer, PlannedStep } from '../question.ts';
import type { TeamQuestion } from '../team.ts';

/** An interrupt as LangGraph tells it. */
export interface Interrupt {
  readonly id?: string | undefined;
  readonly value?: unknown;
}

/**
 * The question of an interrupt: an approval or a question in words where its value says so, any other value as its text.
 * It is named after the interrupt and its value, so that the same one again is the same question.
 */
export function questionOf(planId: string, asker: string, { id, value }: Interrupt): TeamQuestion {
  const requestId = derivedUuid(planId, 'interrupt', id ?? asker, textOf(value));
  const asked = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (asked['type'] === approvalType) {
    const { facts, steps, userRequest } = asked;
    return {
      kind: 'approval',
      requestId,
      asker,
      facts: typeof facts === 'string' ? facts : '',
      steps: (Array.isArray(steps) ? steps : []).map(stepOf),
      ...(typeof userRequest === 'string' && { userRequest }),
    };
  }
  const isOurs = asked['type'] === clarificationType;
  const question = isOurs ? textOf(asked['question']) : textOf(value);
  return { kind: 'clarification', requestId, asker, question, context: isOurs ? textOf(asked['context']) : '' };
}

/** What the graph is told: what `askApproval` and `askQuestion` answer. */
export function resumeValue({ kind }: TeamQuestion, { approved, text }: Answer): unknown {
  return kind === 'approval' ? { approved, feedback: text } : text;
}

/** Where a graph is set to stop before or behind a node (`interruptBefore`, `interruptAfter`). */
export function breakpointQuestion(planId: string, checkpointId: string, next: readonly string[]): TeamQuestion {
  return {
    kind: 'approval',
    requestId: derivedUuid(planId, 'breakpoint', checkpointId),
    facts: 'The graph is set to stop here.',
    steps: next.map((node) => ({ agent: node, action: 'Goes on' })),
  };
}

function stepOf(step: unknown): PlannedStep {
  const { agent, action } = (step ?? {}) as Partial<Record<keyof PlannedStep, unknown>>;
  return { agent: textOf(agent), action: textOf(action) };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return String(value);
  }
}
