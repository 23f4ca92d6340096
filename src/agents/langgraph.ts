import { randomUUID } from 'node:crypto';
import { CallbackManager, type Callbacks } from '@langchain/core/callbacks/manager';
import type { Runnable, RunnableConfig } from '@langchain/core/runnables';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { DurableHandler } from './durableHandler.ts';
import type { DurableOptions } from './runRecorder.ts';

export type { AgentLog, LiveChannel } from './agentLog.ts';
export { type Approval, type ApprovalRequest, askApproval, askQuestion } from './askPerson.ts';
export { type Checkpointer, type OpenCheckpointerOptions, openCheckpointer } from './checkpoints/openCheckpointer.ts';
export { openIndelible } from './indelible.ts';
export type { DurableOptions } from './runRecorder.ts';

/** A compiled graph, an agent of `createAgent`, or any LangChain runnable. */
interface Configurable {
  withConfig(config: { callbacks: DurableHandler[] }): unknown;
}

/**
 * The same graph, of the same type, that saves its messages while it runs, by `invoke`, `stream`, `streamEvents` or
 * `batch`, alone or as a part of another graph. The graph given stays as it is.
 *
 * ```ts
 * import { durable, openIndelible } from 'indelible/langgraph';
 * const indelible = await openIndelible();
 * const graph = durable(builder.compile(), { log: indelible, planId });
 * ```
 *
 * Guaranteed of each run:
 * - What a model, a tool or a node wrote is saved (stored, failed, or not answered within `maxWaitMs`) before the model,
 *   tool or node goes on; so nothing that follows in the graph has started.
 * - Each message is saved once, in the order of generation; parallel branches interleave, each in its order. What the run
 *   was given is not saved. A message that replaces another under the same id is saved too (`metadata.replaces`).
 * - Where a checkpoint is executed again (an answered `interrupt`, a retry, a process that died) and the same is said, the
 *   log has it once. A model that answers something else then has both answers there, the later with `metadata.replaces`
 *   naming the first. Answers are named by their place in the LangGraph task, or `run-<run id>` where there is no
 *   `thread_id` or the log cannot `find`; every other message by its task and what it says.
 * - With `log.live`, models stream, in `invoke` too, and their text is shown as it comes.
 * - A log that fails, throws or hangs never fails the run.
 * - The graph does as it did: its state, messages and errors are untouched.
 *
 * What models and tools tagged `indelible:skip` write is left out. Answers of models tagged `nostream` are not shown, and
 * are saved if a node returns them. Not heard: messages that enter the state past nodes (`pushMessage`, `updateState`,
 * LangGraph's node cache). A model asked by a conditional edge is saved before what its node returned.
 */
export function durable<G extends Configurable>(graph: G, options: DurableOptions): G {
  return graph.withConfig({ callbacks: [new DurableHandler(options)] }) as G;
}

type Node<Input, Config, Output> = (input: Input, config: Config) => Output;
type DurableNode<Input, Config, Output> = (input: Input, config?: Config) => Promise<Awaited<Output>>;

/**
 * A node that saves its messages while it runs, in a graph that need not be {@link durable} as a whole: what its models
 * and tools wrote, then what it returns, before the graph goes on. `name` is the agent's name in the log. Within a durable
 * graph of the same log and plan it changes nothing. A compiled graph as a node is better made `durable` itself.
 */
export function durableNode<Input, Output>(
  name: string,
  node: Runnable<Input, Output>,
  options: DurableOptions,
): DurableNode<Input, RunnableConfig, Output>;
export function durableNode<Input, Config extends RunnableConfig | undefined, Output>(
  name: string,
  node: Node<Input, Config, Output>,
  options: DurableOptions,
): DurableNode<Input, Config, Output>;
export function durableNode(
  name: string,
  node: Runnable | Node<unknown, RunnableConfig | undefined, unknown>,
  options: DurableOptions,
): DurableNode<unknown, RunnableConfig, unknown> {
  const handler = new DurableHandler(options);
  const { recorder } = handler;
  return async (input, config) => {
    const { id, callbacks } = listenedBy(handler, config?.callbacks);
    const run = recorder.start({ id, parentId: undefined, name, tags: config?.tags, metadata: config?.metadata });
    if (run === undefined) return call(node, input, config);
    recorder.enterNode(run, name, input, config?.metadata);
    try {
      const listened = { ...config, callbacks };
      const output = await AsyncLocalStorageProviderSingleton.runWithConfig(listened, () =>
        call(node, input, listened),
      );
      recorder.end(id);
      await recorder.returned(run, output);
      return output;
    } finally {
      recorder.end(id);
    }
  };
}

function call(
  node: Runnable | Node<unknown, RunnableConfig | undefined, unknown>,
  input: unknown,
  config: RunnableConfig | undefined,
): unknown {
  return typeof node === 'function' ? node(input, config) : node.invoke(input, config);
}

/** The callbacks with the handler among them, and the id of the run that whatever is called has as its parent. */
function listenedBy(
  handler: DurableHandler,
  callbacks: Callbacks | undefined,
): { id: string; callbacks: CallbackManager } {
  const given = CallbackManager.configure(callbacks)?.copy([handler]);
  const id = given?.getParentRunId() ?? randomUUID();
  return { id, callbacks: new CallbackManager(id, given ?? { handlers: [handler], inheritableHandlers: [handler] }) };
}
