import type { Team } from '../team.ts';
import { type Environment, modelEndpoint } from './modelEndpoint.ts';
import { withPeers } from './optionalPeers.ts';

export interface OpenAiTeamOptions {
  /** How long one answer of the model may take, in ms. Default 10 minutes. */
  readonly answerMs?: number;
  /** How often a call that failed in passing is made again. Default 2. */
  readonly maxRetries?: number;
  /** What the clock tool tells, in ms since 1970. */
  readonly now?: () => number;
}

/**
 * A team on any endpoint that speaks OpenAI's chat completions: a planner, a worker with two harmless tools (a clock and
 * a calculator), a writer. There is one if `INDELIBLE_MODEL` names a model; `OPENAI_BASE_URL` says where it is (default
 * OpenAI itself), `OPENAI_API_KEY` is sent to it and to nobody else: no error, message or log of ours holds it.
 *
 * @throws IndelibleError `team_unusable` if a setting is missing, `invalid_config` if one cannot be used
 */
export function openAiTeam(env: Environment, options: OpenAiTeamOptions = {}): Team | undefined {
  const { answerMs = 600_000, maxRetries = 2, now = Date.now } = options;
  const endpoint = modelEndpoint(env, { answerMs, maxRetries });
  if (endpoint === undefined) return undefined;
  const { model } = endpoint;
  return {
    id: 'openai',
    name: `Team on ${model}`,
    description: `A planner, a worker with a clock and a calculator, and a writer, on the model ${model}.`,
    agents: [
      { name: 'Planner', description: 'Breaks the task into steps' },
      { name: 'Worker', description: 'Works on them, with a clock and a calculator' },
      { name: 'Writer', description: 'Writes the answer' },
    ],
    keepsCheckpoints: 'given',
    async run(context) {
      const { runOpenAiGraph } = await withPeers(
        ['@langchain/core', '@langchain/langgraph', '@langchain/openai'],
        () => import('./openAiGraph.ts'),
      );
      return runOpenAiGraph(context, endpoint, now);
    },
  };
}
