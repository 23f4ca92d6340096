/**
 * A team of your own: a module whose default export is a compiled LangGraph graph.
 *
 *     npm install indelible @langchain/core @langchain/langgraph
 *     npx indelible serve --team ./team.mjs
 *
 * Nothing in it knows of Indelible. Every message its models, tools and nodes write is in the database before the next
 * node starts, and is named after its node: here `poet` and `critic`. The task comes as a human message in `messages`;
 * the text of the last AI message is the result.
 *
 * The model here only says fixed lines, so that the example works offline. Put your own in its place:
 * `new ChatOpenAI({ model: '…' })` or any other chat model of LangChain.
 */
import { SystemMessage } from '@langchain/core/messages';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';

const poet = new FakeListChatModel({
  responses: ['Rain on the old roof.', 'Rain on the old roof: the cat counts each drop.'],
});
const critic = new FakeListChatModel({ responses: ['One line is no poem: who hears the rain?', 'Good.'] });

export default new StateGraph(MessagesAnnotation)
  .addNode('poet', async ({ messages }) => {
    return { messages: [await poet.invoke([new SystemMessage('Write a very short poem.'), ...messages])] };
  })
  .addNode('critic', async ({ messages }) => {
    return { messages: [await critic.invoke([new SystemMessage('Say what the poem lacks.'), ...messages])] };
  })
  .addEdge(START, 'poet')
  // The poem is read once, then written anew.
  .addConditionalEdges('poet', ({ messages }) => (messages.length > 2 ? END : 'critic'), ['critic', END])
  .addEdge('critic', 'poet')
  .compile();
