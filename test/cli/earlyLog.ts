import type { PreparedMessage } from '../../src/protocol/message.ts';
import type { AppendOutcome, MessageLog } from '../../src/store/messageLog.ts';

/** What must not be: it acknowledges before it commits. It gives out the places in memory, answers, and writes later. */
export function earlyLog(log: MessageLog, commitAfterMs: number): MessageLog {
  const places = new Map<string, number>();
  const heads = new Map<string, number>();

  async function append(batch: readonly PreparedMessage[]): Promise<readonly AppendOutcome[]> {
    const outcomes: AppendOutcome[] = [];
    for (const message of batch) outcomes.push(await placed(message));
    setTimeout(() => void log.append(batch).catch(() => {}), commitAfterMs);
    return outcomes;
  }

  async function placed(message: PreparedMessage): Promise<AppendOutcome> {
    const { planId, messageId } = message;
    const stored = await log.find(planId, messageId);
    if (stored !== undefined) return { status: 'duplicate', message: stored };
    const head = heads.get(planId) ?? (await log.heads([planId])).get(planId)?.sequence ?? 0;
    const known = places.get(`${planId}/${messageId}`);
    const sequence = known ?? head + 1;
    places.set(`${planId}/${messageId}`, sequence);
    if (known === undefined) heads.set(planId, sequence);
    return { status: 'stored', message: { ...message, sequence, version: 1, revision: 0 } };
  }

  return new Proxy(log, {
    get(target, name: keyof MessageLog) {
      if (name === 'append') return append;
      const member = target[name];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
