import { type Agent, type AgentInputItem, Runner } from '@openai/agents';
import { IndelibleError } from '../protocol/errors.ts';
import type { AgentLog } from './agentLog.ts';
import { durableProvider, isDurableModel } from './openaiAgentsModel.ts';
import { OpenAiRunRecorder } from './openaiAgentsRecorder.ts';
import { readToEnd } from './readToEnd.ts';

export type { AgentLog, LiveChannel } from './agentLog.ts';
export { openIndelible } from './indelible.ts';
export { durableModel } from './openaiAgentsModel.ts';
export { IndelibleSession, type IndelibleSessionOptions } from './openaiAgentsSession.ts';

export interface DurableRunnerOptions {
  readonly log: AgentLog;
  /** Default: the id of the session that a run is given. A run with neither fails at its start. */
  readonly planId?: string | undefined;
  /** How long saves may keep an agent waiting, in ms, before it goes on without their answer. Default 5,000. */
  readonly maxWaitMs?: number | undefined;
}

type AnyAgent = Pick<Agent, 'name' | 'model' | 'handoffs'>;
type Run = (
  agent: AnyAgent,
  input: unknown,
  options?: { session?: { getSessionId(): Promise<string> } },
) => Promise<unknown>;

/**
 * A runner like the one given, that saves the messages of its runs while they run, streamed or not. The one given stays as
 * it is; who listens to it is told of these runs too.
 *
 * ```ts
 * import { durable, openIndelible } from 'indelible/openai-agents';
 * const indelible = await openIndelible();
 * const runner = durable(new Runner(), { log: indelible, planId });
 * ```
 *
 * Guaranteed of each run, also of the agents that are tools of its agents:
 * - What the user says is saved before the first model is asked; a model's answer (with its tool calls) before the run goes
 *   on; what tools answer, and who hands over to whom, before the next model is asked. Saved: stored, failed, or not
 *   answered within `maxWaitMs`.
 * - Each message is saved once, in the order of generation, in the name of the agent that wrote it.
 * - With `log.live`, the text of streamed runs is shown as it comes. What was written of an answer that was aborted or
 *   broke is saved, with `interrupted` in the metadata.
 * - A log that fails, throws or hangs never fails the run, and nothing of the run is changed.
 *
 * An agent that is given a model and not the name of one needs it as `durableModel(model)`: a run that can come to an agent
 * without fails at its start, with `invalid_config`. Not seen: agents with such models that are only reached as tools.
 */
export function durable(runner: Runner, options: DurableRunnerOptions): Runner {
  const { log, planId, maxWaitMs } = options;
  const durableRunner = new Runner({ ...runner.config, modelProvider: durableProvider(runner.config.modelProvider) });
  const run = durableRunner.run.bind(durableRunner) as Run;
  const record: Run = async (agent, input, runOptions) => {
    refuseOtherModels(agent);
    const plan = planId ?? (await runOptions?.session?.getSessionId());
    if (plan === undefined) {
      const message = 'planId is missing: give it to durable(), or the run a session';
      throw new IndelibleError('invalid_id', { message, field: 'planId' });
    }
    const recorder = new OpenAiRunRecorder(log, plan, maxWaitMs);
    recorder.agentName = agent.name;
    if (typeof input === 'string' || Array.isArray(input)) await recorder.asked(input as string | AgentInputItem[]);
    try {
      return await OpenAiRunRecorder.current.run(recorder, () => run(agent, input, runOptions));
    } finally {
      await recorder.settled();
    }
  };
  durableRunner.run = record as Runner['run'];
  listen(durableRunner);
  const emit = durableRunner.emit.bind(durableRunner);
  durableRunner.emit = (type, ...args) => {
    const heard = emit(type, ...args);
    return runner.emit(type, ...args) || heard;
  };
  return durableRunner;
}

/**
 * The events of a streamed run for a reader that may go, such as a client over HTTP: the run goes on without it. (In OpenAI
 * Agents a reader of the result itself that stops reading cancels the run. Its `signal` still does.)
 */
export function unattended<E>(result: AsyncIterable<E>): ReadableStream<E> {
  return readToEnd(result);
}

function listen(runner: Runner): void {
  const current = () => OpenAiRunRecorder.current.getStore();
  runner.on('agent_start', (_context, agent) => {
    const recorder = current();
    if (recorder !== undefined) recorder.agentName = agent.name;
  });
  runner.on('agent_tool_end', (_context, agent, tool, result, { toolCall }) => {
    if ('callId' in toolCall) current()?.toolEnded(agent.name, tool.name, toolCall.callId, result);
  });
  runner.on('agent_handoff', (_context, from, to) => current()?.handedOff(from.name, to.name));
}

/** Agents that a run may come to by handoffs, itself included, must have models whose answers can be heard. */
function refuseOtherModels(agent: AnyAgent, seen = new Set<AnyAgent>()): void {
  if (seen.has(agent)) return;
  seen.add(agent);
  const { model } = agent;
  if (typeof model === 'object' && model !== null && !isDurableModel(model)) {
    const message = `the agent ${agent.name} has a model whose answers are not heard: give it durableModel(model)`;
    throw new IndelibleError('invalid_config', { message, field: 'model' });
  }
  for (const next of agent.handoffs) refuseOtherModels('agent' in next ? next.agent : next, seen);
}
