import fc from 'fast-check';
import { anyName, anySaying, type Saying } from './saying.ts';

/** A random execution: plans that run at the same time, in each agents that write at the same time. */
export interface Execution {
  readonly plans: readonly PlanScript[];
}

export interface PlanScript {
  /** A part of the plan's id; the id is new in every run. */
  readonly label: string;
  readonly agents: readonly AgentScript[];
}

export interface AgentScript {
  /** Its own within the plan. */
  readonly name: string;
  /** A LangGraph graph with a node for each step, instead of a loop with a call for each. */
  readonly inGraph: boolean;
  readonly steps: readonly Step[];
}

/** One call that saves. */
export interface Step {
  readonly way: 'save' | 'saveAgentMessage' | 'saveMessagesBatch' | 'persistMessage' | 'streamed';
  /** One message, or those of a batch. One that is streamed is shown word by word, then saved. */
  readonly messages: readonly ScriptedMessage[];
  /** Whether the agent waits for the answer before its next step. */
  readonly waits: boolean;
  /** Turns of the event loop before the step. */
  readonly pause: number;
}

export interface ScriptedMessage extends Saying {
  /** Unique within the plan, or left out: then the service makes one. */
  readonly messageId?: string;
}

const ways = ['save', 'saveAgentMessage', 'saveMessagesBatch', 'persistMessage'] as const;

export interface ExecutionShape {
  readonly maxPlans?: number;
  readonly maxAgents?: number;
  readonly maxSteps?: number;
  readonly ways?: readonly Step['way'][];
  /** All messages carry an id. */
  readonly allNamed?: boolean;
  /** Whether agents may be LangGraph graphs. Default yes. */
  readonly graphs?: boolean;
}

const label = fc.oneof(
  fc.constantFrom(
    'plan',
    'PLAN',
    'plán',
    'pla\u0301n',
    'a b',
    '%2e%2e',
    '?x=1&y#z',
    "' OR 1=1--",
    '__proto__',
    '👋',
    '+',
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\p{Cc}\p{Cs}/\\]/gu, '')),
);

export function anyExecution(shape: ExecutionShape = {}): fc.Arbitrary<Execution> {
  const { maxPlans = 3, maxAgents = 4, maxSteps = 8, ways: allowed = ways, allNamed = false, graphs = true } = shape;
  const step = fc.constantFrom(...allowed).chain((way) => {
    const saying = way === 'saveAgentMessage' ? plain(anySaying) : anySaying;
    const count = way === 'saveMessagesBatch' ? { maxLength: 4 } : { minLength: 1, maxLength: 1 };
    return fc.record({
      way: fc.constant(way),
      messages: fc.array(saying, count),
      waits: fc.boolean(),
      pause: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
      ),
    });
  });
  const inGraph = graphs
    ? fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
    : fc.constant(false);
  const agent = fc.record({ name: anyName, inGraph, steps: fc.array(step, { maxLength: maxSteps, size: '+1' }) });
  const agents = fc.uniqueArray(agent, {
    minLength: 1,
    maxLength: maxAgents,
    size: '+1',
    selector: ({ name }) => name,
  });
  const plan = fc.record({
    label,
    agents,
    firstId: fc.nat({ max: 1_000 }),
    named: allNamed ? fc.constant(true) : fc.boolean(),
  });
  return fc.array(plan, { minLength: 1, maxLength: maxPlans }).map((plans) => ({
    plans: plans.map(({ label: of, agents: unnamed, firstId, named }) => ({
      label: of,
      agents: named ? withIds(unnamed, firstId) : unnamed,
    })),
  }));
}

/** What `saveAgentMessage` can say. */
function plain(saying: fc.Arbitrary<Saying>): fc.Arbitrary<Saying> {
  return saying.map(({ content, metadata }) => ({ content, ...(metadata === undefined ? {} : { metadata }) }));
}

/** Ids that are distinct, but only just: in case, in normal form, as a UUID and as its text. */
const idForms: readonly ((id: number) => string)[] = [
  (id) => `id-${id}`,
  (id) => `ID-${id}`,
  (id) => `é${id}`,
  (id) => `e\u0301${id}`,
  (id) => uuid(id),
  (id) => uuid(id).toUpperCase(),
  (id) => uuid(id).replaceAll('-', ''),
  (id) => `${id}`,
  (id) => `0${id}`,
  (id) => `__proto__${id}`,
  (id) => `${id} `,
  (id) => `👋${id}'"<>&%?#`,
];

function uuid(id: number): string {
  return `0abcdef0-0000-7000-8000-${String(id).padStart(12, '0')}`;
}

function withIds(agents: readonly AgentScript[], firstId: number): AgentScript[] {
  let next = firstId;
  const named = (message: Saying): ScriptedMessage => {
    const form = idForms[next % idForms.length] as (id: number) => string;
    const messageId = form(Math.floor(next++ / idForms.length));
    return { ...message, messageId };
  };
  return agents.map(({ steps, ...agent }) => ({
    ...agent,
    steps: steps.map((step) =>
      step.way === 'saveAgentMessage' ? step : { ...step, messages: step.messages.map(named) },
    ),
  }));
}
