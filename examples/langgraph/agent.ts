/**
 * A LangGraph agent whose messages are all in the database, each before the next step starts, with nobody watching.
 * Three lines make it so (1, 2, 3); the rest is a graph as it might have been before. Runs offline: its models are scripted.
 *
 *     node --experimental-strip-types examples/langgraph/agent.ts
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessageChunk, HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel, FakeStreamingChatModel } from '@langchain/core/utils/testing';
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { durable, openIndelible } from 'indelible/langgraph'; // 1

type State = typeof MessagesAnnotation.State;
const folder = mkdtempSync(join(tmpdir(), 'indelible-example-'));
const planId = randomUUID();

const findFlights = tool(({ to }: { to: string }) => `Two flights to ${to}: 08:10 (€120) and 17:45 (€95).`, {
  name: 'find_flights',
  description: 'Finds flights.',
  schema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
});
const request = { name: 'find_flights', args: { to: 'Lisbon' }, id: 'call-1', type: 'tool_call' as const };
const planner = new FakeStreamingChatModel({ chunks: [new AIMessageChunk({ content: '', tool_calls: [request] })] });
const writer = new FakeListChatModel({ responses: ['Take the flight at 17:45: it is the cheaper one.'] });

const builder = new StateGraph(MessagesAnnotation)
  .addNode('planner', async ({ messages }: State) => ({ messages: [await planner.invoke(messages)] }))
  .addNode('flights', new ToolNode([findFlights]))
  .addNode('writer', async ({ messages }: State) => {
    const found = await indelible.persistence.getMessagesForPlan(planId);
    console.log(`When the writer starts, ${found.length} messages are in the database.`);
    return { messages: [await writer.invoke(messages)] };
  })
  .addEdge(START, 'planner')
  .addEdge('planner', 'flights')
  .addEdge('flights', 'writer');

const indelible = await openIndelible({ store: `sqlite:${join(folder, 'messages.db')}` }); // 2
const graph = durable(builder.compile(), { log: indelible, planId }); // 3

await graph.invoke({ messages: [new HumanMessage('Get me to Lisbon, cheaply.')] });

console.log('\nWhat the database holds now:');
for (const message of await indelible.persistence.getMessagesForPlan(planId)) {
  const said = message.content || JSON.stringify(message.metadata['tool_calls']);
  console.log(`${message.sequence}  ${message.agentName} (${message.agentType}): ${said}`);
}
await indelible.close();
rmSync(folder, { recursive: true });
