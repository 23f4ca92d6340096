import { type Clock, systemClock } from '../resilience/clock.ts';
import type { AgentLog, AgentLogMessage } from './agentLog.ts';

/** Well above the deadline of a sound persistence service, so it only ever bounds a broken one. */
export const defaultMaxWaitMs = 5_000;

/**
 * Hands the messages over in their order, then waits until each has answered, failed, or kept the agent for `maxWaitMs`
 * in all. Never rejects: whatever the log does, the agent goes on. A log that throws or hangs breaks its contract, which
 * is told as a process warning.
 */
export async function saveInOrder(
  log: AgentLog,
  messages: readonly AgentLogMessage[],
  maxWaitMs: number = defaultMaxWaitMs,
  clock: Clock = systemClock,
): Promise<void> {
  if (messages.length === 0) return;
  const answered = Promise.all(messages.map((message) => hand(log, message)));
  await new Promise<void>((resolve) => {
    const cancel = clock.schedule(maxWaitMs, () => {
      warn(`a save has not answered for ${maxWaitMs} ms; the agent goes on without it`);
      resolve();
    });
    void answered.then(() => {
      cancel();
      resolve();
    });
  });
}

async function hand(log: AgentLog, message: AgentLogMessage): Promise<void> {
  try {
    await log.save(message);
  } catch (error) {
    warn(`a save threw: ${String(error)}`);
  }
}

/** What an adapter could not do, told without disturbing the agent. */
export function warn(what: string): void {
  process.emitWarning(what, { type: 'IndelibleWarning' });
}
