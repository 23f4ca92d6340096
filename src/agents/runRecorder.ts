import { type BaseMessage, isToolMessage } from '@langchain/core/messages';
import { IndelibleError } from '../protocol/errors.ts';
import type { AgentLog, AgentLogMessage } from './agentLog.ts';
import { defaultMaxWaitMs, saveInOrder } from './boundedSave.ts';
import { derivedUuid } from './derivedUuid.ts';
import { derivedId, saysTheSame, spokenMessage } from './langchainMessage.ts';
import { RepeatedAnswers } from './repeatedAnswers.ts';
import { type NodeRun, nodeAbove, nodeRun, type Run, RunTree } from './runTree.ts';
import { messagesIn } from './stateUpdate.ts';
import { unharmed } from './unharmed.ts';

export interface DurableOptions {
  readonly log: AgentLog;
  /** Default: the run's `metadata.plan_id`, else its `configurable.thread_id`. A run with neither fails at its start. */
  readonly planId?: string | undefined;
  /** How long saves may keep an agent waiting, in ms, before it goes on without their answer. Default 5,000. */
  readonly maxWaitMs?: number | undefined;
}

/** A run as LangChain announces it. */
export interface RunStart {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly name: string | undefined;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** What runs with this tag write is neither saved nor shown. */
const skipTag = 'indelible:skip';
/** LangGraph's tags for models that are not shown. Their answers are saved if a node returns them. */
const quietTags = ['nostream', 'langsmith:nostream'];
/** The model nodes of LangChain's ready-made agents, whose agent's own name says more. */
const agentNodes = ['agent', 'model_request'];
const unnamedGraph = 'LangGraph';

/**
 * Records the runs of one handler: saves each message once, when it is generated, and shows text while it is written.
 * What returns a promise has saved when that resolves: stored, failed, or given up on after `maxWaitMs`. Nothing here
 * throws but {@link start} for a missing plan id, and no message is changed.
 */
export class RunRecorder {
  readonly #options: DurableOptions;
  readonly #runs = new Map<string, Run>();
  readonly #repeated: RepeatedAnswers;

  constructor(options: DurableOptions) {
    this.#options = options;
    this.#repeated = new RepeatedAnswers(options.log, options.maxWaitMs ?? defaultMaxWaitMs);
  }

  /** Undefined if another recorder of the same log and plan has this run. Throws `invalid_id` if there is no plan id. */
  start({ id, parentId, name, tags, metadata }: RunStart): Run | undefined {
    const parent = this.#runs.get(parentId ?? '');
    const planId = this.#options.planId ?? parent?.tree.planId ?? metadata?.['plan_id'] ?? metadata?.['thread_id'];
    if (planId === undefined) {
      const message =
        'planId is missing: give it to durable(), or the run a configurable.thread_id or metadata.plan_id';
      throw new IndelibleError('invalid_id', { message, field: 'planId' });
    }
    const fields = { id, name: name ?? '', tags: tags ?? [], owner: this.#runs };
    return RunTree.open(this.#options.log, String(planId), parentId, fields);
  }

  /** The run is a node of a graph: what it was given is history, what it returns is not. */
  enterNode(run: Run, name: string, input: unknown, metadata: RunStart['metadata']): void {
    unharmed(() => {
      const { messages, shortForms } = messagesIn(input);
      run.tree.know(messages);
      const step = metadata?.['langgraph_step'];
      run.node = nodeRun({
        name,
        task: String(metadata?.['langgraph_checkpoint_ns'] || run.id),
        step: typeof step === 'number' ? step : undefined,
        isRepeatable: metadata?.['thread_id'] !== undefined && metadata['langgraph_checkpoint_ns'] !== undefined,
        givenShortForms: shortForms,
      });
      if (run.parent !== undefined) run.parent.isGraph = true;
    });
  }

  /** The run, if it is recorded here and open: now it is over, and so is the text below it that has not ended. */
  end(runId: string, wholeText?: string): Run | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined) return undefined;
    for (const open of run.tree.openBelow(run)) this.#endText(open, open === run ? wholeText : undefined);
    run.tree.close(run);
    return run;
  }

  /** The run is a model call. */
  asks(run: Run): void {
    const node = nodeAbove(run)?.node;
    if (node === undefined || !node.isRepeatable || this.#options.log.find === undefined) return;
    run.place = derivedUuid(run.tree.planId, 'answer', node.task, node.asked++);
  }

  /** A model writes on. */
  write(runId: string, delta: string): void {
    const run = this.#runs.get(runId);
    const { live } = this.#options.log;
    if (run === undefined || live === undefined || delta === '' || run.tags.some(isQuietTag)) return;
    unharmed(() => {
      if (run.stream === undefined) {
        run.stream = { agentName: speaker(run), text: '', over: false };
        live.streamStarted(run.tree.planId, answerId(run), run.stream.agentName);
      }
      if (run.stream.over) return;
      run.stream.text += delta;
      live.streamDelta(run.tree.planId, answerId(run), run.stream.agentName, delta);
    });
  }

  /** A model has answered. */
  async answered(run: Run, message: BaseMessage): Promise<void> {
    const isSkipped = run.tags.includes(skipTag);
    if (run.tags.some(isQuietTag) && !isSkipped) return;
    const messageId = answerId(run);
    const entry = unharmed(() => {
      run.tree.know([message]);
      run.tree.keptAs(message, messageId);
      const given = message.id === messageId ? undefined : message.id;
      return this.#entry(run, message, { response_id: given }, messageId);
    });
    if (entry === undefined || isSkipped) return;
    const fresh = run.place === undefined ? entry : await this.#repeated.toSave(entry, ownId(run));
    if (fresh === undefined) return;
    run.tree.keptAs(message, fresh.messageId ?? messageId);
    await this.#save([fresh]);
  }

  /** A tool, a node or a graph returned something: what is not known yet of the messages in it, it made itself. */
  async returned(run: Run, output: unknown): Promise<void> {
    const made = unharmed(() => messagesIn(output, nodeOf(run).givenShortForms).messages) ?? [];
    const fresh = made.flatMap((message) => unharmed(() => this.#entryIfFresh(run, message)) ?? []);
    await this.#save(fresh);
  }

  #entryIfFresh(run: Run, message: BaseMessage): AgentLogMessage | undefined {
    const acquaintance = run.tree.acquaintance(message);
    run.tree.know([message]);
    const madeByNodes = run.isGraph === true && run.node === undefined;
    const again = isToolResultAgain(run, message);
    if (acquaintance === 'known' || madeByNodes || again || run.tags.includes(skipTag)) return undefined;
    return this.#entry(run, message, acquaintance === 'replaces' ? { replaces: run.tree.logId(message.id) } : {});
  }

  #entry(run: Run, message: BaseMessage, extra: Record<string, unknown>, messageId?: string): AgentLogMessage {
    const { planId } = run.tree;
    const { name, step, task, said } = nodeOf(run);
    const agentName = toolNameOf(run, message) ?? speaker(run);
    const spoken = spokenMessage(message, { agentName, node: name || undefined, step, extra });
    if (messageId !== undefined) return { planId, messageId, ...spoken };
    const first = derivedId(planId, [task], spoken);
    const before = said.get(first) ?? 0;
    said.set(first, before + 1);
    return { planId, messageId: before === 0 ? first : derivedId(planId, [task, before], spoken), ...spoken };
  }

  #endText(run: Run, wholeText: string | undefined): void {
    const { live } = this.#options.log;
    const { stream } = run;
    if (live === undefined || stream === undefined || stream.over) return;
    stream.over = true;
    unharmed(() => live.streamEnded(run.tree.planId, answerId(run), stream.agentName, wholeText || stream.text));
  }

  #save(messages: readonly AgentLogMessage[]): Promise<void> {
    return saveInOrder(this.#options.log, messages, this.#options.maxWaitMs);
  }
}

/** Who writes in this run: its node; for the model node of a ready-made agent, the agent or the node it stands in. */
function speaker(run: Run): string {
  const at = nodeAbove(run);
  if (at === undefined) return outermost(run).name;
  const graph = at.parent;
  if (!agentNodes.includes(at.node.name) || graph === undefined) return at.node.name;
  if (graph.name !== '' && graph.name !== unnamedGraph) return graph.name;
  return nodeAbove(graph) === undefined ? at.node.name : speaker(graph);
}

function toolNameOf(run: Run, message: BaseMessage): string | undefined {
  if (!isToolMessage(message)) return undefined;
  return run.tree.toolName(message.tool_call_id) ?? (run.node === undefined && run.name ? run.name : 'tool');
}

/** A tool's result was saved when the tool ended; the node returns it, perhaps in another object. */
function isToolResultAgain(run: Run, message: BaseMessage): boolean {
  if (!isToolMessage(message)) return false;
  const { toolResults } = nodeOf(run);
  const earlier = toolResults.get(message.tool_call_id);
  if (run.node === undefined) toolResults.set(message.tool_call_id, message);
  return run.node !== undefined && earlier !== undefined && saysTheSame(message, earlier);
}

function nodeOf(run: Run): NodeRun {
  return nodeAbove(run)?.node ?? run.tree.outside;
}

function outermost(run: Run): Run {
  return run.parent === undefined ? run : outermost(run.parent);
}

/** By its place where the task may be executed again. */
function answerId(run: Run): string {
  return run.place ?? ownId(run);
}

/** LangChain's own id for an answer where the provider gives none. */
function ownId(run: Run): string {
  return `run-${run.id}`;
}

function isQuietTag(tag: string): boolean {
  return tag === skipTag || quietTags.includes(tag);
}
