import { describe, expect, it } from 'vitest';
import type { StoredMessage } from '../../src/protocol/message.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { firstBadSchedule } from './schedules.ts';

const seed = Number(process.env['SEED'] ?? 1);

describe('P8: whatever the schedule of commits, edits, trims, hints and broken connections', () => {
  it('each watcher is given the log without gap or repeat, and holds what the log holds', async () => {
    expect(await firstBadSchedule({ runs: 400, seed })).toBeUndefined();
  });

  it.each<[string, (log: MessageLog) => MessageLog]>([
    ['pages that are kept without regard to what changed since', keptForEver],
    ['pages without their last message', shortened],
    ['pages that say they end before their last message', repeating],
    ['pages that leave edits out', withoutUpdates],
  ])('control: with %s a watcher is told or holds something wrong', async (_, spoil) => {
    expect(await firstBadSchedule({ runs: 400, seed, spoil })).toMatch(/^watcher/);
  });
});

function reading(log: MessageLog, read: MessageLog['read']): MessageLog {
  return Object.assign(Object.create(log) as MessageLog, {
    read,
    heads: log.heads.bind(log),
    onCommit: log.onCommit.bind(log),
  });
}

function keptForEver(log: MessageLog): MessageLog {
  const kept = new Map<number, StoredMessage>();
  return reading(log, async (planId, after, limit) => {
    const page = await log.read(planId, after, limit);
    for (const message of page.messages) if (!kept.has(message.sequence)) kept.set(message.sequence, message);
    return { ...page, messages: page.messages.map((message) => kept.get(message.sequence) ?? message) };
  });
}

function shortened(log: MessageLog): MessageLog {
  return reading(log, async (planId, after, limit) => {
    const page = await log.read(planId, after, limit);
    return page.messages.length > 1 ? { ...page, messages: page.messages.slice(0, -1) } : page;
  });
}

function repeating(log: MessageLog): MessageLog {
  return reading(log, async (planId, after, limit) => {
    const page = await log.read(planId, after, limit);
    const sequence = page.messages.length > 1 ? page.position.sequence - 1 : page.position.sequence;
    return { ...page, position: { ...page.position, sequence } };
  });
}

function withoutUpdates(log: MessageLog): MessageLog {
  return reading(log, async (planId, after, limit) => ({ ...(await log.read(planId, after, limit)), updates: [] }));
}
