import type { Writable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { IndelibleError } from 'indelible/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { eventLog } from '../../src/observe/eventLog.ts';
import { DualPersistenceManager } from '../../src/persistence/dualPersistenceManager.ts';
import { settle } from './manualClock.ts';
import { message, messages, setUp, storedIds } from './service.ts';

describe('saving', () => {
  it('answers when a reader sees the message', async () => {
    const { service, store } = setUp();
    for (const one of messages(20)) {
      const result = await service.save(one);
      expect(await store.log.find('plan', one.messageId)).toEqual(result.status === 'stored' && result.message);
    }
  });

  it('by name answers whether the message is in the database now', async () => {
    const { service, faults, clock } = setUp();
    expect(await service.saveAgentMessage('plan', 'Planner', 'text', { a: 1 })).toBe(true);
    expect(await service.saveAgentMessage('plan', 'Planner', '')).toBe(true);
    expect(await service.saveAgentMessage('', 'Planner', 'text')).toBe(false);
    expect(await service.saveAgentMessage('plan', 'Planner', 'text', { a: 1n })).toBe(false);
    faults.refuse();
    const away = service.saveAgentMessage('plan', 'Planner', 'text');
    await clock.pass(1_001);
    expect(await away).toBe(false);
    faults.heal();
    const read = await service.getMessagesForPlan('plan');
    expect(read.map(({ content, metadata }) => [content, metadata])).toEqual([
      ['text', { a: 1 }],
      ['', {}],
    ]);
  });

  it('a batch answers for each message, in order; a bad one does not keep the others out', async () => {
    const { service, store, faults } = setUp();
    await service.save(message('taken'));
    faults.poison('poison');
    const batch = [
      message('m1'),
      { ...message('bad'), content: 5 } as never,
      message('m2'),
      message('taken', { content: 'other' }),
      message('m1'),
      message('poison'),
      message('m3', { metadata: { a: undefined } }),
      message('m4'),
    ];
    expect(await service.saveMessagesBatch(batch)).toEqual([true, false, true, false, true, false, false, true]);
    expect(await storedIds(store)).toEqual(['taken', 'm1', 'm2', 'm4']);
  });

  it('an empty batch answers an empty list', async () => {
    const { service, batches } = setUp();
    expect(await service.saveMessagesBatch([])).toEqual([]);
    expect(await service.saveAll([])).toEqual([]);
    expect(batches).toEqual([]);
  });

  it('keeps the plans apart', async () => {
    const { service, store } = setUp();
    await service.saveAll(messages(30).map((one, index) => ({ ...one, planId: `p${index % 3}` })));
    for (const plan of [0, 1, 2]) {
      const own = messages(30).flatMap(({ messageId }, index) => (index % 3 === plan ? [messageId] : []));
      expect(await storedIds(store, `p${plan}`)).toEqual(own);
    }
  });
});

describe('reading', () => {
  it('gives all messages of a plan, in order, with what was saved and how', async () => {
    const { service } = setUp();
    await service.saveAll(messages(3, { agentType: 'Human_Agent', metadata: { a: [1] } }));
    const read = await service.getMessagesForPlan('plan');
    expect(read.map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
    expect(read[1]).toEqual({
      planId: 'plan',
      messageId: 'm2',
      sequence: 2,
      version: 1,
      type: 'agent_message',
      agentName: 'Planner',
      agentType: 'Human_Agent',
      content: 'content of m2',
      timestamp: '2026-11-23T10:00:00.000Z',
      metadata: { a: [1] },
      persistenceStatus: 'stored',
      savedToDb: true,
      sentViaWebsocket: false,
      retryCount: 0,
    });
  });

  it('gives a long plan whole, also one that fills its pages', async () => {
    const { service } = setUp();
    for (const [planId, count] of [
      ['a', 999],
      ['b', 1_000],
      ['c', 1_001],
      ['d', 2_500],
    ] as const) {
      await service.saveAll(messages(count, { planId }));
      const read = await service.getMessagesForPlan(planId);
      expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    }
  });

  it('gives an empty list for a plan without messages, and an error for an id that is none', async () => {
    const { service } = setUp();
    expect(await service.getMessagesForPlan('unknown')).toEqual([]);
    await expect(service.getMessagesForPlan('a/b')).rejects.toMatchObject({ code: 'invalid_id', field: 'planId' });
    await expect(service.getMessagesForPlan(undefined as never)).rejects.toMatchObject({ code: 'invalid_id' });
  });

  it('throws when the database is away: an empty answer would be a wrong one', async () => {
    const { service, faults } = setUp();
    await service.save(message('m1'));
    faults.refuse();
    await expect(service.getMessagesForPlan('plan')).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('page by page may stop anywhere', async () => {
    const { service } = setUp();
    await service.saveAll(messages(10));
    const seen: string[] = [];
    for await (const { messageId } of service.messagesOfPlan('plan')) if (seen.push(messageId) === 3) break;
    expect(seen).toEqual(['m1', 'm2', 'm3']);
  });
});

describe('the statistics', () => {
  it('begin with nothing', () => {
    const none = {
      stored: 0,
      duplicates: 0,
      spooled: 0,
      drained: 0,
      setAside: 0,
      refused: 0,
      late: 0,
      retries: 0,
      broadcastFailures: 0,
    };
    expect(setUp().service.statistics()).toEqual({ ...none, successRate: 1, failureRate: 0 });
  });

  it('count what became of each save', async () => {
    const { service, faults, clock } = setUp();
    faults.poison('poison');
    await service.saveAll([...messages(5), message('m1'), message('m2', { content: 'other' }), message('poison')]);
    await service.save({ ...message('bad'), content: 5 } as never);
    faults.refuse();
    const late = service.save(message('late'));
    await clock.pass(1_001);
    await late;
    const away = service.statistics();
    expect(away).toMatchObject({ stored: 5, duplicates: 1, refused: 3, late: 1 });
    expect(away.retries).toBeGreaterThan(0);
    faults.heal();
    await clock.pass(5_000);
    expect(service.statistics()).toMatchObject({ stored: 6, duplicates: 1, refused: 3, late: 1 });
    expect(service.statistics().failureRate).toBeCloseTo(0.3);
    expect(service.statistics().successRate).toBeCloseTo(0.7);
  });

  it('count broadcasts that failed', async () => {
    const { service, clock } = setUp();
    const dual = new DualPersistenceManager(service, { clock });
    await dual.persistMessage(message('m1'), { broadcast: () => Promise.reject(new Error('x')) });
    await dual.persistMessage(message('m2'), { broadcast: () => 1 });
    expect(service.statistics()).toMatchObject({ stored: 2, broadcastFailures: 1, successRate: 1 });
  });

  it('count what a closed service lost', async () => {
    const { service, faults, clock } = setUp({ maxBatch: 1 });
    faults.refuse();
    const saves = service.saveAll(messages(3));
    const closing = service.close(100);
    await clock.pass(101);
    await closing;
    await saves;
    expect(service.statistics()).toMatchObject({ stored: 0, late: 1, refused: 2, successRate: 0, failureRate: 1 });
  });
});

describe('the event log', () => {
  it('writes one line for each event, with what was wrong, also for text with line breaks and escapes', async () => {
    const { lines, logger } = logged();
    const { service, faults, clock } = setUp({ observe: eventLog(logger) });
    faults.script = () => {
      throw new IndelibleError('store_unavailable', {
        message: 'cannot\r\nreach \u001b[31mit',
        cause: new Error('ECONNREFUSED'),
      });
    };
    const late = service.save(message('m1'));
    await clock.pass(1_001);
    await late;
    await service.save({ ...message('a\nb\u001b[31m'), content: 5 } as never);
    faults.heal();
    await clock.pass(5_000);
    await settle();
    const entries = lines().map((line) => JSON.parse(line));
    expect(new Set(entries.map(({ type }) => type))).toEqual(
      new Set(['batch_retried', 'message_late', 'message_refused', 'message_stored']),
    );
    const retried = lines().find((line) => line.includes('batch_retried')) ?? '';
    expect(retried).toContain('cannot\\r\\nreach');
    expect(retried).toContain('store_unavailable');
    expect(retried).toContain('ECONNREFUSED');
    const refused = lines().find((line) => line.includes('message_refused')) ?? '';
    expect(refused).toContain('invalid_id');
    expect(refused).toContain('holds a control character');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
    for (const line of lines()) expect(line).not.toMatch(/[\u0000-\u001f]/);
  });
});

function logged() {
  let text = '';
  const stream: Writable = new PassThrough().on('data', (chunk) => {
    text += chunk;
  });
  const lines = () => text.split('\n').filter((line) => line !== '');
  return { lines, logger: pino({ level: 'debug' }, stream) };
}
