import type { BaseMessage } from '@langchain/core/messages';
import type { AgentLog } from './agentLog.ts';
import { saysTheSame } from './langchainMessage.ts';

/** One run of LangChain's tree of runs: a graph, a node, a model call, a tool call, or something in between. */
export interface Run {
  readonly id: string;
  readonly name: string;
  /** With those inherited from the runs above. */
  readonly tags: readonly string[];
  readonly parent: Run | undefined;
  readonly tree: RunTree;
  /** The open runs of the handler that records this one. */
  readonly owner: Map<string, Run>;
  /** Nodes have run in it: what it returns is made of what they returned. */
  isGraph?: boolean;
  /** Set if this run is a node of a graph. */
  node?: NodeRun;
  /** Set if this run is a model call whose task may be executed again: the id of its answer, by its place there. */
  place?: string;
  /** Set if this run is a model call whose text is or was being shown. */
  stream?: { readonly agentName: string; text: string; over: boolean };
}

/** One execution of a node. */
export interface NodeRun {
  readonly name: string;
  readonly step: number | undefined;
  /** LangGraph's name of the task, the same when the same checkpoint is executed again; else the run's id. */
  readonly task: string;
  /** A thread keeps its checkpoints, so it may be executed again. */
  readonly isRepeatable: boolean;
  /** How many models it has asked so far. */
  asked: number;
  /** Short forms of messages that stood in its input. */
  readonly givenShortForms: ReadonlySet<string>;
  /** What its tools answered, by tool call. */
  readonly toolResults: Map<string, BaseMessage>;
  /** How often a message that says the same was saved in this execution, by the id derived from it. */
  readonly said: Map<string, number>;
}

export function nodeRun(fields: Partial<NodeRun> & Pick<NodeRun, 'name' | 'task'>): NodeRun {
  const fresh = { step: undefined, isRepeatable: false, asked: 0 };
  return { ...fresh, givenShortForms: new Set(), toolResults: new Map(), said: new Map(), ...fields };
}

/** The node a run belongs to, itself or the nearest above; undefined outside a graph. */
export function nodeAbove(run: Run | undefined): (Run & { node: NodeRun }) | undefined {
  for (let at = run; at !== undefined; at = at.parent) {
    if (at.node !== undefined) return at as Run & { node: NodeRun };
  }
  return undefined;
}

/**
 * Everything that runs below one outermost run, and the messages known there: given to a node, written by a model or a
 * tool, returned by a node. A message is known by identity or by its id.
 *
 * Handlers of the same log and plan that meet in one tree (a durable graph within a durable graph) share it, and each
 * run belongs to the handler that met it first: whatever happens is recorded once.
 */
export class RunTree {
  readonly planId: string;
  /** Stands in for the node where there is none. */
  readonly outside: NodeRun;
  readonly #all: Map<string, Run>;
  readonly #open = new Set<Run>();
  readonly #objects = new WeakSet<BaseMessage>();
  readonly #byId = new Map<string, BaseMessage>();
  readonly #toolNames = new Map<string, string>();
  readonly #logIds = new Map<string, string>();

  private constructor(all: Map<string, Run>, planId: string, outermost: string) {
    this.#all = all;
    this.planId = planId;
    this.outside = nodeRun({ name: '', task: outermost });
  }

  /** A new run, or undefined if another handler of this log and plan has it already. */
  static open(
    log: AgentLog,
    planId: string,
    parentId: string | undefined,
    fields: Pick<Run, 'id' | 'name' | 'tags' | 'owner'>,
  ): Run | undefined {
    const all = openRuns(log);
    if (all.has(key(planId, fields.id))) return undefined;
    const parent = parentId === undefined ? undefined : all.get(key(planId, parentId));
    const run: Run = { ...fields, parent, tree: parent?.tree ?? new RunTree(all, planId, fields.id) };
    all.set(key(planId, run.id), run);
    run.owner.set(run.id, run);
    run.tree.#open.add(run);
    return run;
  }

  /** The run is over. With the outermost run all below it are, also those that never had an end. */
  close(run: Run): void {
    for (const over of run.parent === undefined ? [...this.#open] : [run]) {
      this.#all.delete(key(this.planId, over.id));
      over.owner.delete(over.id);
      this.#open.delete(over);
    }
  }

  /** The open runs below `above`, itself included. */
  openBelow(above: Run): Run[] {
    return [...this.#open].filter((run) => isWithin(run, above));
  }

  know(messages: Iterable<BaseMessage>): void {
    for (const message of messages) {
      this.#objects.add(message);
      if (message.id !== undefined) this.#byId.set(message.id, message);
      for (const call of (message as { tool_calls?: { id?: string; name: string }[] }).tool_calls ?? []) {
        if (call.id !== undefined) this.#toolNames.set(call.id, call.name);
      }
    }
  }

  /** Whether the message is known as it is, known under its id with other content (it replaces that one), or new. */
  acquaintance(message: BaseMessage): 'known' | 'replaces' | 'new' {
    if (this.#objects.has(message)) return 'known';
    const namesake = message.id === undefined ? undefined : this.#byId.get(message.id);
    if (namesake === undefined) return 'new';
    return saysTheSame(message, namesake) ? 'known' : 'replaces';
  }

  /** The message is in the log under this id, which need not be the one it has in the graph's state. */
  keptAs(message: BaseMessage, messageId: string): void {
    if (message.id !== undefined) this.#logIds.set(message.id, messageId);
  }

  /** The id in the log of what the graph knows by this id. */
  logId(id: string | undefined): string | undefined {
    return id === undefined ? undefined : (this.#logIds.get(id) ?? id);
  }

  /** The tool that a known message called under this id. */
  toolName(toolCallId: string): string | undefined {
    return this.#toolNames.get(toolCallId);
  }
}

function isWithin(run: Run, above: Run): boolean {
  for (let at: Run | undefined = run; at !== undefined; at = at.parent) if (at === above) return true;
  return false;
}

const runsOfLogs = new WeakMap<AgentLog, Map<string, Run>>();

function openRuns(log: AgentLog): Map<string, Run> {
  const runs = runsOfLogs.get(log) ?? new Map<string, Run>();
  runsOfLogs.set(log, runs);
  return runs;
}

function key(planId: string, runId: string): string {
  return `${runId} ${planId}`;
}
