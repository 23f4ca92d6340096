/**
 * A team of three agents that do not wait for the answers to what they save, until they are told to stop. What they hand
 * over is written to the file that TOLD names, as {@link ToldLine}s: all of it is to be durable when the process has
 * ended in good order.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { RunContext, Team } from '../../src/runs/team.ts';
import type { ToldLine } from './told.ts';

const told = openSync(process.env['TOLD'] as string, 'a');

const team: Team = {
  id: 'hasty',
  name: 'Hasty team',
  description: 'Waits for nobody',
  agents: ['One', 'Two', 'Three'].map((name) => ({ name, description: 'Hands over' })),
  async run(context) {
    await Promise.all(this.agents.map(({ name }) => handOver(context, name)));
    return { agentName: 'One', content: 'done' };
  },
};
export default team;

async function handOver({ planId, log, signal }: RunContext, agentName: string): Promise<void> {
  for (let index = 1; !signal.aborted; index++) {
    const messageId = `${agentName}-${index}`;
    const submit = { planId, messageId, agentName, content: messageId };
    say({ submit, producer: agentName });
    void log.save(submit).then((result) => {
      const { status } = result as SaveResult;
      say({ settled: messageId, status });
    });
    await sleep(10);
  }
}

function say(line: ToldLine): void {
  writeSync(told, `${JSON.stringify(line)}\n`);
}
