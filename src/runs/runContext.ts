import type { Indelible } from '../agents/indelible.ts';
import type { Plan } from '../protocol/plan.ts';
import type { Answer, Question } from './question.ts';
import type { RunLog } from './runLog.ts';
import type { RunCheckpoints, RunContext, TeamQuestion } from './team.ts';

export interface RunContextParts {
  readonly plan: Plan;
  /** The task, with what was said when it was approved. */
  readonly description: string;
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly checkpoints: RunCheckpoints;
  /** Rejects where nobody has answered yet. */
  readonly ask: (question: Question) => Promise<Answer>;
}

/** What the team of a plan is given to work with. */
export function runContext(indelible: Indelible, parts: RunContextParts): RunContext {
  const { plan, description, log, signal, checkpoints, ask } = parts;
  const { planId, sessionId, userId } = plan;
  let asked = 0;
  return {
    planId,
    sessionId,
    userId,
    description,
    log,
    signal,
    checkpoints,
    say: (message) => log.save({ ...message, planId }),
    messageId: () => log.messageId(),
    ask: (question) => ask(whole(question, `question-${++asked}`)),
    progress: (step) =>
      indelible.feed.publish({
        type: 'progress_update',
        planId,
        timestamp: new Date(indelible.clock.now()).toISOString(),
        currentStep: step.currentStep,
        totalSteps: step.totalSteps,
        currentAgent: step.agentName,
        agentStatus: 'working',
        stepDescription: step.description,
      }),
  };
}

function whole(question: TeamQuestion, requestId: string): Question {
  if (question.kind === 'approval') return { facts: '', ...question, requestId: question.requestId ?? requestId };
  return { context: '', ...question, requestId: question.requestId ?? requestId };
}
