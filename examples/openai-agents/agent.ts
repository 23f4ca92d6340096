/**
 * Agents of OpenAI Agents whose messages, tool calls and handoffs are all in the database, with nobody watching, and whose
 * memory is there too. Three lines make it so (1, 2, 3); a session (4) adds the memory. Runs offline: its model is scripted.
 *
 *     node --experimental-strip-types examples/openai-agents/agent.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, Runner, tool } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { durable, IndelibleSession, openIndelible } from 'indelible/openai-agents'; // 1
import { z } from 'zod';

const folder = mkdtempSync(join(tmpdir(), 'indelible-example-'));
const model = new ScriptedModel([
  [functionCall('find_flights', { to: 'Lisbon' }, { callId: 'call-1' })],
  [functionCall('transfer_to_Writer', {}, { callId: 'call-2' })],
  [assistantMessage('Take the flight at 17:45: it is the cheaper one.')],
  [assistantMessage('You asked for the cheaper one: 17:45.')],
]);
const findFlights = tool({
  name: 'find_flights',
  description: 'Finds flights.',
  parameters: z.object({ to: z.string() }),
  execute: async ({ to }) => `Two flights to ${to}: 08:10 (€120) and 17:45 (€95).`,
});
const writer = new Agent({ name: 'Writer', instructions: 'Answer in one sentence.' });
const planner = new Agent({ name: 'Planner', instructions: 'Plan.', tools: [findFlights], handoffs: [writer] });

const indelible = await openIndelible({ store: `sqlite:${join(folder, 'messages.db')}` }); // 2
const plain = new Runner({ modelProvider: { getModel: () => model }, tracingDisabled: true });
const runner = durable(plain, { log: indelible, planId: 'trip' }); // 3

const session = new IndelibleSession({ log: indelible, sessionId: 'ada' }); // 4
await runner.run(planner, 'Get me to Lisbon, cheaply.', { session });
await runner.run(writer, 'Which one was it?', { session });

console.log('What the database holds:');
for (const message of await indelible.persistence.getMessagesForPlan('trip')) {
  const said = message.content || JSON.stringify(message.metadata['tool_calls']);
  console.log(`${message.sequence}  ${message.agentName} (${message.agentType}): ${said}`);
}
const remembered = await new IndelibleSession({ log: indelible, sessionId: 'ada' }).getItems();
console.log(`\nThe session remembers ${remembered.length} items, in this process or the next.`);
await indelible.close();
rmSync(folder, { recursive: true });
