/**
 * A process that stores checkpoints: `node checkpointWriter.ts <address> <thread> [early]`. Says `ready`, then after each
 * checkpoint and its task's writes `ack <id> <n>`. With `early` it breaks the promise: it says so before it stores.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint';
import { openCheckpointer } from '../../../src/agents/langgraph.ts';

const [address, threadId, early] = process.argv.slice(2) as [string, string, string?];
const checkpointer = await openCheckpointer(address);
writeSync(1, 'ready\n');
let config: Awaited<ReturnType<typeof checkpointer.put>> = { configurable: { thread_id: threadId, checkpoint_ns: '' } };
let version: number | undefined;
for (let n = 1; ; n++) {
  version = checkpointer.getNextVersion(version);
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(n),
    channel_values: { n, text: `value ${n}`.repeat(200) },
    channel_versions: { n: version, text: version },
  };
  const ack = `ack ${checkpoint.id} ${n}\n`;
  if (early !== undefined) {
    writeSync(1, ack);
    await sleep(50);
  }
  const metadata = { source: 'loop', step: n, parents: {} } as const;
  config = await checkpointer.put(config, checkpoint, metadata, checkpoint.channel_versions);
  await checkpointer.putWrites(config, [['n', n + 1]], `task-${n}`, 'path');
  if (early === undefined) writeSync(1, ack);
}
