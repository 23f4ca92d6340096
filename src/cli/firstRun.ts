import type { Indelible } from '../agents/indelible.ts';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import { Runner } from '../runs/runner.ts';
import { demoTeam } from '../runs/teams/demo.ts';
import { readAll } from '../store/readAll.ts';
import type { Store } from '../store/store.ts';
import { messageLine } from './messageText.ts';
import type { Output } from './output.ts';
import { messages } from './planText.ts';
import { columns } from './terminalText.ts';

const task = 'Show me what Indelible does with the messages of agents';
const maxNameColumns = 20;

/** Whether the database holds nothing yet. */
export async function isFirstRun(store: Store): Promise<boolean> {
  return (await store.plans.list({ limit: 1 })).length === 0;
}

/**
 * Shows what this is for: the demo team runs while nobody is connected, and then what it wrote is read back from the
 * database. Ends early if `stop` comes first.
 */
export async function firstRun(indelible: Indelible, stop: AbortSignal, output: Output): Promise<void> {
  output.line('The database is new. So first, the demo team works on a task while nobody is connected …');
  const runner = new Runner(indelible, [demoTeam]);
  const { plan, ended } = await runner.start({ description: task });
  const stopRun = () => void runner.close();
  stop.addEventListener('abort', stopRun, { once: true });
  if (stop.aborted) stopRun();
  await ended;
  stop.removeEventListener('abort', stopRun);
  await runner.close();
  if (stop.aborted) return;

  const { store } = indelible;
  const read = await Array.fromAsync(readAll(store.log, plan.planId), (message) => toAgentMessage(message));
  const nameColumns = Math.min(maxNameColumns, Math.max(...read.map(({ agentName }) => columns(agentName))));
  output.line(`It is done. Nobody was connected, and the database holds all ${messages(read.length)}:`);
  output.line();
  for (const message of read) output.line(messageLine(message, nameColumns, output.width ?? 120, output.paint));
  output.line();
}
