import { randomUUID } from 'node:crypto';
import type { Callbacks } from '@langchain/core/callbacks/manager';
import { CallbackManager, ensureHandler } from '@langchain/core/callbacks/manager';
import type { Runnable, RunnableConfig } from '@langchain/core/runnables';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { DurableHandler } from './durableHandler.ts';
import type { DurableOptions } from './runRecorder.ts';

export type { AgentLog, AgentLogMessage, LiveText } from './agentLog.ts';
export type { DurableOptions } from './runRecorder.ts';

/** A compiled graph, an agent of `createAgent`, or any LangChain runnable. */
interface Configurable {
  withConfig(config: { callbacks: DurableHandler[] }): unknown;
}

/**
 * The same graph, of the same type, that saves its messages while it runs, by `invoke`, `stream`, `streamEvents` or
 * `batch`, alone or as a part of another graph. The graph given stays as it is.
 *
 * Guaranteed of each run:
 * - What a model, a tool or a node wrote is saved (stored, failed, or not answered within `maxWaitMs`) before the model,
 *   tool or node goes on; so nothing that follows in the graph has started.
 * - Each message is saved once, in the order of generation; parallel branches interleave, each in its order. What the run
 *   was given is not saved. A message that replaces another under the same id is saved too (`metadata.replaces`).
 * - Answers are named `run-<run id>`. Every other message has an id derived from its LangGraph task and what it says:
 *   where a checkpoint is executed again and says the same, the log has it once.
 * - With `log.live`, models stream, in `invoke` too, and their text is shown as it comes.
 * - A log that fails, throws or hangs never fails the run.
 *
 * Models, tools and nodes tagged `indelible:skip` are left out. Answers of models tagged `nostream` are not shown, and
 * are saved if a node returns them.
 */
export function durable<G extends Configurable>(graph: G, options: DurableOptions): G {
  return graph.withConfig({ callbacks: [new DurableHandler(options)] }) as G;
}

/** A node as a function. */
type NodeFunction<Input, Config, Output> = (input: Input, config: Config) => Output;

/**
 * A node that saves its messages while it runs, in a graph that need not be {@link durable} as a whole: what its models
 * and tools wrote, then what it returns, before the graph goes on. `name` is the agent's name in the log. Within a durable
 * graph of the same log and plan it changes nothing. A compiled graph as a node is better made `durable` itself.
 */
export function durableNode<Input, Output>(
  name: string,
  node: Runnable<Input, Output>,
  options: DurableOptions,
): NodeFunction<Input, RunnableConfig | undefined, Promise<Output>>;
export function durableNode<Input, Config extends RunnableConfig | undefined, Output>(
  name: string,
  node: NodeFunction<Input, Config, Output>,
  options: DurableOptions,
): NodeFunction<Input, Config, Promise<Awaited<Output>>>;
export function durableNode(
  name: string,
  node: NodeFunction<unknown, RunnableConfig | undefined, unknown> | Runnable,
  options: DurableOptions,
): NodeFunction<unknown, RunnableConfig | undefined, Promise<unknown>> {
  const handler = new DurableHandler(options);
  const { recorder } = handler;
  return async (input, config) => {
    const { id, callbacks } = listenedBy(handler, config?.callbacks);
    const metadata = { thread_id: config?.configurable?.['thread_id'], ...config?.metadata };
    const run = recorder.start({ id, parentId: undefined, name, tags: config?.tags, metadata });
    if (run === undefined) return call(node, input, config);
    recorder.enterNode(run, name, input, metadata);
    try {
      const listened = { ...config, callbacks };
      const output = await AsyncLocalStorageProviderSingleton.runWithConfig(listened, () => call(node, input, listened));
      recorder.end(id);
      await recorder.returned(run, output);
      return output;
    } finally {
      recorder.end(id);
    }
  };
}

function call(
  node: NodeFunction<unknown, RunnableConfig | undefined, unknown> | Runnable,
  input: unknown,
  config: RunnableConfig | undefined,
): unknown {
  return typeof node === 'function' ? node(input, config) : node.invoke(input, config);
}

/** The callbacks with the handler among them, and the run that they make the parent of whatever is called. */
function listenedBy(handler: DurableHandler, callbacks: Callbacks | undefined): { id: string; callbacks: CallbackManager } {
  const given = Array.isArray(callbacks) ? undefined : callbacks;
  const id = given?.getParentRunId() ?? randomUUID();
  const manager = given?.getParentRunId() === undefined ? new CallbackManager(id) : given.copy();
  for (const other of given?.getParentRunId() === undefined && given ? given.handlers : []) manager.addHandler(other);
  for (const other of Array.isArray(callbacks) ? callbacks : []) manager.addHandler(ensureHandler(other));
  manager.addHandler(handler);
  return { id, callbacks: manager };
}
