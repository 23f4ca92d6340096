import type { Indelible } from '../agents/indelible.ts';
import type { Plan } from '../protocol/plan.ts';
import type { RunContext } from './team.ts';

/** What the team of a plan is given to work with. */
export function runContext(indelible: Indelible, plan: Plan, signal: AbortSignal): RunContext {
  const { planId, sessionId, userId, description } = plan;
  return {
    planId,
    sessionId,
    userId,
    description,
    log: indelible,
    signal,
    say: (message) => indelible.save({ ...message, planId }),
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
