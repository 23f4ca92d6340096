import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { type Indelible, openIndelible } from '../../src/agents/indelible.ts';
import { durable } from '../../src/agents/langgraph.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { ScriptedModel } from '../agents/scriptedModel.ts';

type State = typeof MessagesAnnotation.State;

const planId = 'plan';

export interface BlackHoledRunOptions {
  readonly postgres: PostgresServer;
  /** That each of the two runs writes: half by a model, half returned by a node. */
  readonly messages: number;
  /** What the model takes for a word; it says four at a time. */
  readonly wordMs: number;
  /** How long the network to the database swallows everything; left out: until the run is over. */
  readonly heldMs?: number;
  /** For a control: a log without a disk whose saves wait for the database. */
  readonly patient?: boolean;
}

/**
 * The same LangGraph run twice, at the same time: once with its database there, once with it black-holed soon after the
 * beginning. Answers how long each took, what each plan reads afterwards, and whether the second was over while the
 * database was still away.
 */
export async function runBlackHoled({ postgres, messages, wordMs, heldMs, patient = false }: BlackHoledRunOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-black-hole-'));
  const names = ['healthy', 'holed'].map((name) => `${name}_${randomUUID().replaceAll('-', '')}`);
  const [healthyUrl = '', holedUrl = ''] = await Promise.all(names.map((name) => postgres.createDatabase(name)));
  const network = await startTcpProxy({ target: holedUrl });
  const waiting = { spool: false, persistence: { deadlineMs: 300_000, openDeadlineMs: 300_000 } } as const;
  const open = (store: string, name: string) =>
    openIndelible({ store, ...(patient ? waiting : { spool: join(folder, name) }) });
  const [healthy, holed] = [await open(healthyUrl, 'one'), await open(network.through(holedUrl), 'other')];
  try {
    let isOver = false;
    let isHeld = false;
    let overWhileHeld = false;
    const hold = async () => {
      while (holed.persistence.statistics().stored < 5) await sleep(5);
      await network.blackHole();
      isHeld = true;
      if (heldMs !== undefined) await sleep(heldMs);
      else while (!isOver) await sleep(20);
      isHeld = false;
      await network.pass();
    };
    const holding = hold();
    const run = async () => {
      const took = await timed(() => graphRun(holed, messages, wordMs));
      overWhileHeld = isHeld;
      isOver = true;
      return took;
    };
    const [healthyMs, holedMs] = await Promise.all([timed(() => graphRun(healthy, messages, wordMs)), run()]);
    const { spooled } = holed.persistence.statistics();
    await holding;
    while (holed.persistence.outage().depth > 0 || holed.persistence.queued > 0) await sleep(50);
    const [healthyPlan, holedPlan] = [await readPlan(healthy), await readPlan(holed)];
    return { healthyMs, holedMs, overWhileHeld, spooled, healthyPlan, holedPlan };
  } finally {
    await Promise.all([healthy.close(0), holed.close(0)]);
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A model and a node that returns its messages, by turns, until there are so many messages. */
async function graphRun(log: Indelible, messages: number, wordMs: number): Promise<void> {
  const rounds = messages / 2;
  const model = new ScriptedModel(
    oneTo(rounds).map((round) => `thought ${round} of ${rounds}`),
    wordMs,
  );
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('thinker', async (state: State) => ({ messages: [await model.invoke(state.messages.slice(-1))] }))
    .addNode('clerk', (state: State) => ({ messages: [new AIMessage(`noted: ${state.messages.at(-1)?.content}`)] }))
    .addEdge(START, 'thinker')
    .addEdge('thinker', 'clerk')
    .addConditionalEdges('clerk', ({ messages: said }: State) => (said.length > messages ? END : 'thinker'))
    .compile();
  const recursionLimit = messages + 10;
  await durable(graph, { log, planId }).invoke({ messages: [new HumanMessage('go')] }, { recursionLimit });
}

async function timed(action: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await action();
  return performance.now() - startedAt;
}

/** All of a plan that two runs of the same can have in common: no times, and no names that LangGraph draws at random. */
async function readPlan({ persistence }: Indelible) {
  const messages = await persistence.getMessagesForPlan(planId);
  const ids = new Set(messages.map(({ messageId }) => messageId)).size;
  return { ids, messages: messages.map(withoutChance) };
}

function withoutChance({ timestamp: _, messageId: __, metadata, ...rest }: AgentMessage) {
  const { langgraph_checkpoint_ns: ___, ...said } = metadata;
  return { ...rest, metadata: said };
}
