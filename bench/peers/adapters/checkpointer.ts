import { randomUUID } from 'node:crypto';
import { AIMessage } from '@langchain/core/messages';
import { type Checkpoint, uuid6 } from '@langchain/langgraph-checkpoint';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

/** A thread as a graph run holds it between two steps. */
interface Thread {
  readonly id: string;
  readonly messages: AIMessage[];
  step: number;
  parent: string | undefined;
}

/**
 * A put a step, as LangGraph does it for a graph whose state is `messages`: the checkpoint, and the channel with all
 * messages so far, for it is the channel that has a new version. The `putWrites` of each task, which a graph does beside
 * it, is left out. The connection string alone gives the pool of `pg`, of 10.
 */
export function checkpointer(threadLength: number): Adapter {
  return {
    async open({ url }) {
      const saver = PostgresSaver.fromConnString(url);
      await saver.setup();
      const threads = new Map<string, Thread>();
      let messagesPerPut = 0;
      const threadOf = (planId: string): Thread => {
        const last = threads.get(planId);
        if (last !== undefined && last.messages.length < threadLength) return last;
        const thread: Thread = { id: `${planId}:${randomUUID()}`, messages: [], step: -1, parent: undefined };
        threads.set(planId, thread);
        return thread;
      };
      const saveAll = async (messages: readonly NewMessage[]) => {
        const thread = threadOf(messages[0]?.planId as string);
        thread.messages.push(...messages.map(toLangChain));
        await put(saver, thread);
        messagesPerPut = messages.length;
      };
      return {
        save: (message) => saveAll([message]),
        saveAll,
        stored: async () => messagesPerPut * (await countRows(url, 'SELECT count(*) FROM checkpoints')),
        close: () => saver.end(),
      };
    },
  };
}

async function put(saver: PostgresSaver, thread: Thread): Promise<void> {
  const step = ++thread.step;
  const checkpoint: Checkpoint = {
    v: 4,
    id: uuid6(step),
    ts: new Date().toISOString(),
    channel_values: { messages: [...thread.messages] },
    channel_versions: { messages: step + 1 },
    versions_seen: { agent: { messages: step } },
  };
  const config = {
    configurable: {
      thread_id: thread.id,
      checkpoint_ns: '',
      ...(thread.parent === undefined ? {} : { checkpoint_id: thread.parent }),
    },
  };
  const { messages = 1 } = checkpoint.channel_versions;
  await saver.put(config, checkpoint, { source: 'loop', step, parents: {} }, { messages });
  thread.parent = checkpoint.id;
}

function toLangChain({ agentName, content, metadata }: NewMessage): AIMessage {
  return new AIMessage({ id: randomUUID(), name: agentName, content, response_metadata: { ...metadata } });
}
