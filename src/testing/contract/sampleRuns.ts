import assert from 'node:assert/strict';
import { IndelibleError } from '../../protocol/errors.ts';
import type { NewPlan } from '../../store/planRecords.ts';
import type { RunAnswer, RunRecord, RunRecords, RunRequest } from '../../store/runRecords.ts';
import type { Store } from '../../store/store.ts';
import { oneTo } from './sampleMessages.ts';

const createdAt = '2026-11-25T10:00:00.000Z';

/** When whatever happens to a plan happens to it. */
export const later = '2026-11-25T11:00:00.000Z';

export function planOfRun(planId: string, fields: Partial<NewPlan> = {}): NewPlan {
  const texts = { sessionId: 'session', userId: 'user', teamId: 'team', description: 'a task' };
  return { planId, ...texts, status: 'in_progress', createdAt, ...fields };
}

export function requestOf(requestId: string, fields: Partial<RunRequest> = {}): RunRequest {
  return { requestId, kind: 'approval', messageId: `message of ${requestId}`, ...fields };
}

export function answerTo(requestId: string, answerId: string, fields: Partial<RunAnswer> = {}): RunAnswer {
  return { answerId, requestId, userId: 'ann', approved: true, text: '', answeredAt: later, ...fields };
}

/** A run that `owner` has just begun, but for the fields that are given. */
export function runOf(planId: string, owner: string | undefined, fields: Partial<RunRecord> = {}): RunRecord {
  const nothing = { request: undefined, answer: undefined, cancelRequested: false };
  return { planId, state: 'working', owner, fence: 1, ...nothing, ...fields };
}

/** The owner, which joins if it has not, begins runs of these plans. */
export async function begun({ runs }: Store, owner: string, ...planIds: readonly string[]): Promise<void> {
  if (!(await runs.owners()).some((one) => one.owner === owner)) await runs.join(owner);
  for (const planId of planIds) await runs.begin(planOfRun(planId), owner);
}

/** The owner begins a run that asks `q1`, at the fence 1. */
export async function asking(store: Store, owner: string, planId: string): Promise<void> {
  await begun(store, owner, planId);
  assert.equal(await store.runs.ask({ planId, fence: 1 }, requestOf('q1'), 'pending_approval', later), true);
}

export async function rejectsWith(code: 'run_taken' | 'plan_exists', call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => IndelibleError.is(error, code));
}

/** The run and its plan as they are; nothing that only looks may change them. */
export async function runAndPlan({ runs, plans }: Store, planId: string) {
  return { run: await runs.find(planId), plan: await plans.find(planId) };
}

/** What changes a run only for who holds it, tried with this fence. */
export async function tryAll(runs: RunRecords, planId: string, fence: number): Promise<boolean[]> {
  const held = { planId, fence };
  return [
    await runs.change(held, { status: 'failed', steps: [], updatedAt: '2027' }),
    await runs.ask(held, requestOf('other'), 'pending_clarification', '2027'),
    await runs.end(held, 'failed', '2027'),
  ];
}

/** `p1`, `p2`, … */
export function planIds(count: number): string[] {
  return oneTo(count).map((index) => `p${index}`);
}
