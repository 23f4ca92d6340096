import fc from 'fast-check';
import { readAllText, renderedPage, v3MessageRow, v3RowView } from 'indelible';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { prepareMessage } from '../../src/protocol/message.ts';
import { messageTypes } from '../../src/protocol/messageType.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { readAll } from '../../src/store/readAll.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { anyJsonObject } from '../protocol/anyJson.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';

const anyMessage = fc.record({
  agentName: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom('"', '\\', ',', '":', ',"message_id":"', '\u0000', '\ud800', '{', '\n'),
      minLength: 1,
    }),
  ),
  type: fc.constantFrom(...messageTypes),
  content: fc.string({ unit: 'binary', maxLength: 300 }),
  metadata: anyJsonObject,
});

const utf8 = new TextDecoder('utf-8', { fatal: true });

describe.each(storesUnderTest)('rows as text on $name', ({ create }) => {
  let database: Database;
  let log: MessageLog;
  let plans = 0;
  beforeAll(async () => {
    database = await create();
    ({ log } = await database.open());
  });
  afterAll(() => database.drop());

  it('are those of the messages, character for character, whatever the messages hold (P21)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        async (messages, limit) => {
          const planId = `any-${++plans}`;
          await log.append(messages.map((message) => prepareMessage({ planId, ...message }, { now: () => 0 })));
          let text = '';
          for (let after = 0, more = true; more; ) {
            const page = await pageOf(log, planId, after, limit);
            text += utf8.decode(page.text);
            ({ sequence: after, more } = page);
          }
          const rows = await Array.fromAsync(readAll(log, planId), v3MessageRow);
          expect(rows).toHaveLength(messages.length);
          expect(text).toBe(rows.map((row) => `,${row}`).join(''));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('of a long plan come a page at a time, also in the middle of writes, and are a beginning of the whole', async () => {
    const message = (index: number) =>
      prepareMessage(
        { planId: 'long', agentName: 'a', content: 'x'.repeat(index % 700 === 0 ? 20_000 : 50) },
        { now: () => 0 },
      );
    await log.append(Array.from({ length: 2_500 }, (_, index) => message(index)));
    const pieces: Uint8Array[] = [];
    for await (const piece of readAllText(log, 'long', v3RowView)) {
      pieces.push(piece);
      await log.append([message(0)]);
    }
    const rows = JSON.parse(`[${utf8.decode(Buffer.concat(pieces)).slice(1)}]`) as { sequence: number }[];
    expect(pieces.length).toBeGreaterThan(5);
    expect(rows.length).toBeGreaterThanOrEqual(2_500);
    expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1));
  });
});

function pageOf(log: MessageLog, ...page: [planId: string, after: number, limit: number]) {
  if (log.readText === undefined) throw new Error('this store has no way of its own');
  return log.readText(...page, v3RowView);
}

describe('reading a whole plan as text', () => {
  async function filled(messages: number) {
    const store = openSqliteStore(':memory:');
    onTestFinished(() => store.close());
    const message = (n: number) => prepareMessage({ planId: 'p', agentName: 'a', content: `${n}` }, { now: () => 0 });
    await store.log.append(Array.from({ length: messages }, (_, index) => message(index)));
    return store.log;
  }

  it('works on a log that has no way of its own', async () => {
    const log = await filled(1_500);
    const plain = { read: log.read.bind(log) };
    const text = async (of: Parameters<typeof readAllText>[0]) =>
      Buffer.concat(await Array.fromAsync(readAllText(of, 'p', v3RowView))).toString();
    expect(await text(plain)).toBe(await text(log));
  });

  it('gives everybody else a turn between pages', async () => {
    const log = await filled(3_000);
    let turns = 0;
    const count = () => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    let pages = 0;
    for await (const _ of readAllText(log, 'p', v3RowView)) pages++;
    clearImmediate(timer);
    expect(pages).toBeGreaterThan(4);
    expect(turns).toBeGreaterThanOrEqual(pages - 1);
  });

  it('P13: reads one page ahead of its reader and no more', async () => {
    const log = await filled(5_000);
    let asked = 0;
    const counting: Pick<MessageLog, 'read' | 'readText'> = {
      read: log.read.bind(log),
      readText(...page) {
        asked++;
        return renderedPage(log, ...page);
      },
    };
    const pieces = readAllText(counting, 'p', v3RowView);
    await pieces.next();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(2);
    await pieces.return();
  });

  it('that its reader gave up leaves no failure behind that nobody hears of', async () => {
    const log = await filled(1_500);
    let asked = 0;
    const failing: Pick<MessageLog, 'read' | 'readText'> = {
      read: log.read.bind(log),
      readText: (...page) => (++asked === 1 ? renderedPage(log, ...page) : Promise.reject(new Error('gone'))),
    };
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => void unheard.push(reason);
    process.on('unhandledRejection', hear);
    onTestFinished(() => void process.off('unhandledRejection', hear));
    const pieces = readAllText(failing, 'p', v3RowView);
    await pieces.next();
    await pieces.return();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([asked, unheard]).toEqual([2, []]);
  });
});
