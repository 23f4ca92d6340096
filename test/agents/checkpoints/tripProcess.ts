/**
 * A process that takes trips side by side: `node tripProcess.ts <address> <threads, comma between> <stepMs> [answer]`.
 * Each begins, or goes on from its last checkpoint, or gives the answer that was asked for. Says
 * `entering <thread> <node>`, at the end of each trip `state <thread> <json>`, one a line, and then waits to be ended.
 */
import { writeSync } from 'node:fs';
import { Command } from '@langchain/langgraph';
import { openCheckpointer } from '../../../src/agents/langgraph.ts';
import { tripGraph, tripInput, tripState } from './tripGraph.ts';

const [address, threads, stepMs, answer] = process.argv.slice(2) as [string, string, string, string?];
const checkpointer = await openCheckpointer(address);
await Promise.all(threads.split(',').map(travel));
setInterval(() => {}, 60_000);

async function travel(threadId: string, index: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, index * Number(stepMs)));
  const graph = tripGraph(checkpointer, Number(stepMs), (node) => say(`entering ${threadId} ${node}`));
  const config = { configurable: { thread_id: threadId } };
  const { asked, history } = await tripState(graph, threadId);
  if (history.length === 0) await graph.invoke(tripInput, config);
  // Also where `next` is empty: that is so at the end, and where all tasks of a step are done and the step is not.
  else if (asked.length === 0) await graph.invoke(null, config);
  else if (answer !== undefined) await graph.invoke(new Command({ resume: JSON.parse(answer) }), config);
  say(`state ${threadId} ${JSON.stringify(await tripState(graph, threadId))}`);
}

/** At once, also when the process is killed in the next moment. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
