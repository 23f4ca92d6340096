import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { emptyCheckpoint, INTERRUPT, uuid6 } from '@langchain/langgraph-checkpoint';
import { openSqliteStore } from 'indelible/sqlite';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SqliteCheckpointSaver } from '../../../src/agents/checkpoints/sqliteCheckpointSaver.ts';
import { prepareMessage } from '../../../src/protocol/message.ts';
import { ManualClock } from '../../../src/testing/manualClock.ts';

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'indelible-checkpoints-')), 'log.db');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } };
const metadata = { source: 'loop', step: 0, parents: {} } as const;

describe('checkpoints in the file of a log', () => {
  it.each(['the log', 'the checkpoints'])('lie beside its messages, %s opened first', async (first) => {
    const early = first === 'the log' ? openSqliteStore(path) : undefined;
    const saver = open();
    const { log, close } = early ?? openSqliteStore(path);
    onTestFinished(close);
    const message = { planId: 'plan', messageId: 'id', agentName: 'Ann', content: 'Hello' };
    await log.append([prepareMessage(message, { now: Date.now })]);
    const config = await saver.put(thread, emptyCheckpoint(), metadata, {});
    expect(await open().getTuple(config)).toMatchObject({ config, metadata });
    expect((await log.heads(['plan'])).get('plan')).toEqual({ sequence: 1, revision: 0 });
  });

  it('make the file for its owner only, and may be opened by several at once', async () => {
    const savers = [open(), open(), open()];
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const configs = await Promise.all(
      savers.map((saver, n) => saver.put(thread, { ...emptyCheckpoint(), id: uuid6(n) }, metadata, {})),
    );
    for (const config of configs) expect(await savers[0]?.getTuple(config)).toBeDefined();
  });

  it('of a newer version are refused, those of the log with them left alone', () => {
    open();
    const db = new DatabaseSync(path);
    db.exec(`UPDATE meta SET value = '99' WHERE key = 'checkpoints_version'`);
    db.close();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'schema_too_new' }));
    onTestFinished(openSqliteStore(path).close);
  });

  it('wait for another process that writes, and give up with an error after 10 s', async () => {
    const clock = new ManualClock();
    const saver = open({ clock });
    const other = new DatabaseSync(path);
    onTestFinished(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    let stored: Awaited<ReturnType<typeof saver.put>> | undefined;
    const waiting = saver.put(thread, emptyCheckpoint(), metadata, {}).then((config) => {
      stored = config;
    });
    await pass(clock, 5_000);
    expect(stored).toBeUndefined();
    other.exec('COMMIT');
    await pass(clock, 500);
    await waiting;
    expect(await saver.getTuple(stored ?? {})).toBeDefined();

    other.exec('BEGIN IMMEDIATE');
    const tooLong = expect(saver.putWrites(stored ?? {}, [['n', 1]], 'task')).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await pass(clock, 11_000);
    await tooLong;
  });

  it('are not acknowledged when the file was taken away, and not after closing', async () => {
    const saver = open();
    renameSync(path, `${path}.away`);
    await expect(saver.put(thread, emptyCheckpoint(), metadata, {})).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    renameSync(`${path}.away`, path);
    await saver.put(thread, emptyCheckpoint(), metadata, {});
    await saver.close();
    await saver.close();
    await expect(saver.getTuple(thread)).rejects.toMatchObject({ code: 'service_closed' });
  });
});

describe('the writes of a task', () => {
  it('stay as they were first written, but an interrupt is replaced by the newest', async () => {
    const saver = open();
    const config = await saver.put(thread, emptyCheckpoint(), metadata, {});
    const writes = (n: number) => [['n', n] as [string, unknown], [INTERRUPT, n] as [string, unknown]];
    await saver.putWrites(config, writes(1), 'task');
    await saver.putWrites(config, writes(2), 'task');
    expect((await saver.getTuple(config))?.pendingWrites).toEqual([
      ['task', INTERRUPT, 2],
      ['task', 'n', 1],
    ]);
  });

  it('come in the order in which LangGraph applies them: by path, by task, by place, compared by code point', async () => {
    const saver = open();
    const config = await saver.put(thread, emptyCheckpoint(), metadata, {});
    await saver.putWrites(config, [['n', 5]], 'd', '😀');
    await saver.putWrites(config, [['n', 4]], 'c', '\ue000');
    await saver.putWrites(config, [['n', 2]], 'b', 'path');
    await saver.putWrites(config, [['n', 1]], 'a', 'path');
    await saver.putWrites(config, [['n', 0]], 'z');
    const found = (await saver.getTuple(config))?.pendingWrites?.map(([, , value]) => value);
    expect(found).toEqual([0, 1, 2, 4, 5]);
  });
});

it('a value that does not change is stored once, however many checkpoints name it', async () => {
  const saver = open();
  let config: Parameters<typeof saver.put>[0] = thread;
  const large = 'x'.repeat(10_000);
  for (let n = 0; n < 20; n++) {
    const channel_versions = { large: 1, n: n + 1 };
    const checkpoint = { ...emptyCheckpoint(), id: uuid6(n), channel_values: { large, n }, channel_versions };
    config = await saver.put(config, checkpoint, metadata, n === 0 ? channel_versions : { n: n + 1 });
  }
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  const { count } = db.prepare(`SELECT count(*) AS count FROM checkpoint_values WHERE channel = 'large'`).get() ?? {};
  expect(count).toBe(1);
  const steps: unknown[] = [];
  for await (const { checkpoint } of saver.list(thread)) steps.push(checkpoint.channel_values);
  expect(steps).toEqual(Array.from({ length: 20 }, (_, n) => ({ large, n: 19 - n })));
});

it('a long list comes in pages, newest first, without repeat or gap, also while the thread is being deleted', async () => {
  const saver = open();
  const ids = Array.from({ length: 120 }, (_, n) => uuid6(n));
  for (const id of ids) await saver.put(thread, { ...emptyCheckpoint(), id }, metadata, {});
  const found: string[] = [];
  for await (const { checkpoint } of saver.list({})) found.push(checkpoint.id);
  expect(found).toEqual([...ids].sort().reverse());
  let left = 0;
  for await (const _ of saver.list({})) if (++left === 70) await saver.deleteThread('thread');
  expect(left).toBe(70);
});

it.each(['', undefined, null, '\ud800'])('a thread id that is none is refused: %j', async (thread_id) => {
  const config = { configurable: { thread_id, checkpoint_ns: '' } };
  await expect(open().put(config, emptyCheckpoint(), metadata, {})).rejects.toMatchObject({
    code: 'invalid_id',
    field: 'thread_id',
  });
});

/** Lets time pass bit by bit, so that what a timer wakes can go on and wait for the next. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    await setImmediate();
    clock.advance(100);
  }
}

function open(options: ConstructorParameters<typeof SqliteCheckpointSaver>[1] = {}): SqliteCheckpointSaver {
  const saver = new SqliteCheckpointSaver(path, options);
  onTestFinished(() => saver.close());
  return saver;
}
