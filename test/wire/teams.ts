import type { LiveChannel } from '../../src/agents/agentLog.ts';
import type { RunContext, Team } from '../../src/runs/team.ts';

/** Every timestamp is ISO 8601 UTC ending in `Z`. */
export const timestampForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Waits until the test lets it go on, by plan. */
export class Gates {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  opened(planId: string): Promise<void> {
    return this.#of(planId).promise;
  }

  open(planId: string): void {
    this.#of(planId).resolve();
  }

  #of(planId: string): PromiseWithResolvers<void> {
    let gate = this.#gates.get(planId);
    if (gate === undefined) {
      gate = Promise.withResolvers<void>();
      this.#gates.set(planId, gate);
    }
    return gate;
  }
}

export function plainTeam(id: string, run: (context: RunContext) => Promise<string>, more: Partial<Team> = {}): Team {
  return {
    id,
    name: `The ${id} team`,
    description: 'Does what the test wants',
    agents: [
      { name: 'Planner', description: 'Plans what is to be done' },
      { name: 'Writer', description: 'Writes the answer' },
    ],
    repeatable: true,
    run: async (context) => ({ agentName: 'Writer', content: await run(context) }),
    ...more,
  };
}

const answer = 'An answer, "quoted", of several words.';

/** All that an agent does: speaks, calls a tool without a word, tells its progress, streams an answer and then says it. */
export async function perform({ planId, log, say, progress }: RunContext): Promise<string> {
  progress({ currentStep: 1, totalSteps: 2, agentName: 'Planner', description: 'Plans' });
  await say({
    agentName: 'Planner',
    content: 'I plan.\n  "Twice" \\ 🙂',
    metadata: { tokens: 3, nested: { list: [1, null] } },
  });
  await say({ agentName: 'Planner', agentType: 'tool', content: '', metadata: { tool_calls: [{ name: 'search' }] } });
  progress({ currentStep: 2, totalSteps: 2, agentName: 'Writer', description: 'Writes' });
  const live = log.live as LiveChannel;
  const stream = `stream-${planId}`;
  live.streamStarted(planId, stream, 'Writer');
  for (const piece of answer.split(/(?<= )/)) live.streamDelta(planId, stream, 'Writer', piece);
  live.streamEnded(planId, stream, 'Writer', answer);
  await say({ agentName: 'Writer', content: answer, messageId: stream });
  return 'All is done.';
}

/** What {@link perform} leaves in the log: who, of what kind, what. */
export const performed = [
  ['Planner', 'agent', 'I plan.\n  "Twice" \\ 🙂'],
  ['Planner', 'tool', ''],
  ['Writer', 'agent', answer],
  ['Writer', 'agent', 'All is done.'],
] as const;

export const streamedAnswer = answer;
