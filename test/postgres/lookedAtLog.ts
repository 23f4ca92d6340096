import type { LogPosition, MessageLog } from '../../src/store/messageLog.ts';

export interface LookedAtLog {
  readonly log: MessageLog;
  /** How often each plan was read. */
  readonly reads: ReadonlyMap<string, number>;
  /** Reads, and looks at heads, that are under way. */
  readonly looking: () => number;
}

/** The log, and how it is looked at. */
export function lookedAt(log: MessageLog): LookedAtLog {
  const reads = new Map<string, number>();
  let looking = 0;
  const look = <T>(answer: Promise<T>): Promise<T> => {
    looking++;
    return answer.finally(() => {
      looking--;
    });
  };
  const observed: MessageLog = {
    get epoch() {
      return log.epoch;
    },
    append: (batch) => log.append(batch),
    update: (message, version) => log.update(message, version),
    trim: (planId, upTo) => log.trim(planId, upTo),
    find: (planId, messageId) => log.find(planId, messageId),
    read(planId: string, after: LogPosition, limit: number) {
      reads.set(planId, (reads.get(planId) ?? 0) + 1);
      return look(log.read(planId, after, limit));
    },
    heads: (planIds) => look(log.heads(planIds)),
    onCommit: (listener) => log.onCommit(listener),
  };
  return { log: observed, reads, looking: () => looking };
}
