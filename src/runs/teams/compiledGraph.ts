import type { Interrupt } from './graphQuestions.ts';

/** A compiled LangGraph graph, or an agent of LangChain's `createAgent`, as far as it matters here. */
export interface CompiledGraph {
  invoke(input: unknown, config?: unknown): Promise<unknown>;
  withConfig(config: unknown): unknown;
}

/** What LangGraph's graphs say of themselves, whichever copy of it made them. */
export interface Pregel {
  readonly lg_is_pregel?: unknown;
  readonly channels?: Readonly<Record<string, unknown>>;
  readonly nodes?: Readonly<Record<string, unknown>>;
  /** Set if it was compiled from a StateGraph. */
  readonly builder?: unknown;
  readonly checkpointer?: unknown;
  readonly interruptBefore?: unknown;
  readonly interruptAfter?: unknown;
  getState?(config: unknown): Promise<unknown>;
}

/** Where a thread stands. */
export interface GraphState {
  /** Undefined: there is no checkpoint. */
  readonly createdAt?: string;
  readonly next: readonly string[];
  readonly tasks: readonly { readonly name: string; readonly interrupts?: readonly Interrupt[] }[];
  readonly config: { readonly configurable?: { readonly checkpoint_id?: string } };
}

export function pregelOf(value: unknown): Pregel | undefined {
  const graph = value as (Pregel & { readonly graph?: Pregel }) | null | undefined;
  if (graph?.lg_is_pregel === true) return graph;
  return graph?.graph?.lg_is_pregel === true ? graph.graph : undefined;
}

/** A sentence's end that says what is wrong, or undefined. */
export function whyUnusable(value: unknown): string | undefined {
  const graph = pregelOf(value);
  if (graph === undefined) {
    const { compile } = (value ?? {}) as { compile?: unknown };
    return typeof compile === 'function' ? 'is not compiled: call its compile()' : 'is no compiled LangGraph graph';
  }
  if (graph.builder === undefined || graph.channels === undefined || 'messages' in graph.channels) return undefined;
  return 'has no `messages` in its state, where the task would be given (MessagesAnnotation has)';
}
