import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { type Checkpointer, openCheckpointer } from 'indelible/langgraph';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storesUnderTest } from '../../storesUnderTest.ts';

describe.each(storesUnderTest)('a thread that is forked from an earlier checkpoint, on $name', (store) => {
  it('has each branch read its own state, whichever was written first', async () => {
    const { checkpointer } = await database();
    expect(await forked(checkpointer)).toEqual({ first: 'one, looked at', fork: 'two', second: 'two, looked at' });
  });

  it('control: with LangGraph’s own versions, whole numbers, one branch reads the state of the other', async () => {
    const { checkpointer } = await database();
    Object.assign(checkpointer, { getNextVersion: BaseCheckpointSaver.prototype.getNextVersion });
    expect(await forked(checkpointer)).not.toMatchObject({ fork: 'two' });
  });

  it('goes on where a thread has whole numbers already', async () => {
    const { checkpointer, address } = await database();
    const before = await openCheckpointer(address);
    onTestFinished(() => before.close());
    Object.assign(before, { getNextVersion: BaseCheckpointSaver.prototype.getNextVersion });
    await graphOn(before).invoke({ text: 'one' }, thread);
    expect(await graphOn(checkpointer).invoke({ text: 'three' }, thread)).toEqual({ text: 'three, looked at' });
    expect((await graphOn(checkpointer).getState(thread)).values).toEqual({ text: 'three, looked at' });
  });

  async function database(): Promise<{ checkpointer: Checkpointer; address: string }> {
    const { address, drop } = await store.create();
    const checkpointer = await openCheckpointer(address);
    onTestFinished(async () => {
      await checkpointer.close();
      await drop();
    });
    return { checkpointer, address };
  }
});

const thread = { configurable: { thread_id: 'thread' } };

function graphOn(checkpointer: Checkpointer) {
  return new StateGraph(Annotation.Root({ text: Annotation<string>() }))
    .addNode('look', async ({ text }) => ({ text: `${text}, looked at` }))
    .addEdge(START, 'look')
    .addEdge('look', END)
    .compile({ checkpointer });
}

/** Runs a thread to its end, goes back to before its node, says something else there, and runs on from that. */
async function forked(checkpointer: Checkpointer) {
  const graph = graphOn(checkpointer);
  await graph.invoke({ text: 'one' }, thread);
  const end = (await graph.getState(thread)).config;
  for await (const { next, config } of graph.getStateHistory(thread)) {
    if (next[0] !== 'look') continue;
    const fork = await graph.updateState(config, { text: 'two' });
    const atFork = await graph.getState(fork);
    await graph.invoke(null, fork);
    const [first, second] = [await graph.getState(end), await graph.getState(thread)];
    return { first: first.values.text, fork: atFork.values.text, second: second.values.text };
  }
  throw new Error('the thread has no checkpoint before its node');
}
