import { openCheckpointer } from 'indelible/langgraph';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SeededRandom } from '../../../src/testing/contract/seededRandom.ts';
import { storesUnderTest } from '../../storesUnderTest.ts';
import { TalkingProcess } from './talkingProcess.ts';

const writer = new URL('./checkpointWriter.ts', import.meta.url);

describe.each(storesUnderTest)('P1: checkpoints on $name after kill -9', { timeout: 120_000 }, (store) => {
  it('what put and putWrites answered is there, and no checkpoint is there in part', async () => {
    const { missing, partial, acknowledged } = await killWriters([]);
    expect(acknowledged).toBeGreaterThan(20);
    expect(missing).toEqual([]);
    expect(partial).toEqual([]);
  });

  it('control: a process that says so before it stores is found out', async () => {
    const { missing } = await killWriters(['early']);
    expect(missing).not.toEqual([]);
  });

  async function killWriters(args: readonly string[]) {
    const { address, drop } = await store.create();
    const checkpointer = await openCheckpointer(address);
    onTestFinished(async () => {
      await checkpointer.close();
      await drop();
    });
    const random = new SeededRandom(11);
    const threads = ['first', 'second', 'third'];
    const writers = threads.map((thread) => new TalkingProcess(writer, [address, thread, ...args]));
    const acknowledged = await Promise.all(
      writers.map(async (process) => {
        await process.says('ack ', 1 + random.below(args.length === 0 ? 40 : 3));
        await process.kill();
        return process.linesWith('ack ').map((line) => line.split(' ')[1] ?? '');
      }),
    );
    const missing: string[] = [];
    const partial: string[] = [];
    for (const [index, thread_id] of threads.entries()) {
      for (const checkpoint_id of acknowledged[index] ?? []) {
        const tuple = await checkpointer.getTuple({ configurable: { thread_id, checkpoint_id } });
        const step = tuple?.metadata?.step ?? 0;
        const written = [`task-${step}`, 'n', step + 1];
        if (tuple === undefined || tuple.pendingWrites?.[0]?.join() !== written.join()) missing.push(checkpoint_id);
      }
      for await (const { checkpoint, metadata } of checkpointer.list({ configurable: { thread_id } })) {
        const step = metadata?.step;
        const whole = { n: step, text: `value ${step}`.repeat(200) };
        if (JSON.stringify(checkpoint.channel_values) !== JSON.stringify(whole)) partial.push(checkpoint.id);
      }
    }
    return { missing, partial, acknowledged: acknowledged.flat().length };
  }
});
