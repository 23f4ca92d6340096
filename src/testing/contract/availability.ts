import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { IndelibleError } from '../../protocol/errors.ts';
import type { PreparedMessage } from '../../protocol/message.ts';
import type { MessageLog, UpdateOutcome } from '../../store/messageLog.ts';

const patienceMs = 10_000;

/** Calls again while a store answers `store_unavailable`, as the contract allows one to under contention. */
export async function whenAvailable<T>(action: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!IndelibleError.is(error, 'store_unavailable') || performance.now() > deadline) throw error;
      await sleep(Math.random() * 20);
    }
  }
}

/** An update, made again while unavailable. If one whose answer was lost was made, the conflict shows its own body. */
export async function updateWhenAvailable(
  log: MessageLog,
  message: PreparedMessage,
  expectedVersion: number,
): Promise<UpdateOutcome> {
  const outcome = await whenAvailable(() => log.update(message, expectedVersion));
  if (outcome.status !== 'conflict' || outcome.message.body !== message.body) return outcome;
  return { status: 'updated', message: outcome.message };
}

/** Waits until `condition` holds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `within ${patienceMs} ms: ${what}`);
    await sleep(5);
  }
}

const storeCodes = ['store_refused', 'store_unavailable', 'service_closed'] as const;

/** The call rejects with an error of ours, with one of the codes a store may give. */
export async function rejectsAsStore(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    const isOurs = storeCodes.some((code) => IndelibleError.is(error, code));
    assert.ok(isOurs, `not ${storeCodes.join(', ')}, but ${String(error)}`);
    return true;
  });
}
