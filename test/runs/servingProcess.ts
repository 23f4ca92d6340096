/**
 * A process that works on runs as a server does: `node servingProcess.ts <address> <stepMs> <fault>`. Told what to do by
 * its parent: `{ id, start | answer, … }`, answered by `{ id, outcome }`. Says `ready` first. With the fault
 * `forgets checkpoints` these die with it.
 */
import { MemorySaver } from '@langchain/langgraph';
import { openIndelible } from '../../src/agents/indelible.ts';
import { openCheckpointer } from '../../src/agents/langgraph.ts';
import type { PersonAnswer } from '../../src/runs/answering.ts';
import { Runner } from '../../src/runs/runner.ts';
import { answers, askingTeam } from './askingTeam.ts';

const [address, stepMs, fault] = process.argv.slice(2) as [string, string, string?];

export interface Order {
  readonly id: number;
  readonly start?: string;
  readonly answer?: string;
  readonly requestId?: string;
}

class Forgetful extends MemorySaver {
  async close(): Promise<void> {}
}

const indelible = await openIndelible({ store: address, spool: false });
const runner = new Runner(indelible, [askingTeam(Number(stepMs))], {
  beatMs: 100,
  buryAfterMs: 800,
  checkpointer: async () => (fault === 'forgets checkpoints' ? new Forgetful() : await openCheckpointer(address)),
});
runner.takeUp();

process.on('message', (order: Order) => void obey(order));
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });

async function obey({ id, start, answer, requestId }: Order): Promise<void> {
  const outcome = await carryOut(start, answer, requestId).catch((error) => `failed: ${error.code ?? error}`);
  process.send?.({ id, outcome });
}

async function carryOut(start?: string, planId?: string, requestId?: string): Promise<string> {
  if (start !== undefined) {
    await runner.start({ description: 'A journey', planId: start });
    return 'started';
  }
  const request = (await indelible.store.runs.find(planId ?? ''))?.request;
  const said: PersonAnswer = {
    userId: 'ann',
    ...answers[request?.kind ?? 'approval'],
    ...(requestId && { requestId }),
  };
  return (await runner.answer(planId ?? '', said)).outcome;
}
