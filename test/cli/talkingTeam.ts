/**
 * A team of three agents that talk at the same time, without end. What they save, and what they are told of it, is
 * written to the file that TOLD names: `submit <plan> <id> <agent>` before, `ack <plan> <id> <agent> <sequence>` after.
 */
import { openSync, writeSync } from 'node:fs';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { RunContext, Team } from '../../src/runs/team.ts';

const told = openSync(process.env['TOLD'] as string, 'a');

const team: Team = {
  id: 'talking',
  name: 'Talking team',
  description: 'Talks without end',
  agents: ['One', 'Two', 'Three'].map((name) => ({ name, description: 'Talks' })),
  async run(context) {
    await Promise.all(this.agents.map(({ name }) => talk(context, name)));
    return { agentName: 'One', content: 'done' };
  },
};
export default team;

async function talk({ planId, log, signal }: RunContext, agentName: string): Promise<void> {
  for (let index = 1; !signal.aborted; index++) {
    const messageId = `${agentName}-${index}`;
    writeSync(told, `submit ${planId} ${messageId} ${agentName}\n`);
    const result = (await log.save({ planId, messageId, agentName, content: messageId })) as SaveResult;
    if (result.status !== 'stored') throw result.error;
    writeSync(told, `ack ${planId} ${messageId} ${agentName} ${result.message.sequence}\n`);
  }
}
