import { createInterface } from 'node:readline/promises';
import { IndelibleError } from '../protocol/errors.ts';
import type { PlanStatus } from '../protocol/plan.ts';
import { nobody, type Runner } from '../runs/runner.ts';
import type { RunRequest } from '../store/runRecords.ts';
import type { Store } from '../store/store.ts';
import type { Output } from './output.ts';
import { ends, pause } from './tail.ts';

export interface Attended {
  readonly runner: Runner;
  readonly store: Store;
  readonly planId: string;
  /** How commands are given here. */
  readonly command: string;
  /** The option that names the store to them, if it must be. */
  readonly inStore: string;
  /** Whether people may be asked on the terminal. */
  readonly mayAsk: boolean;
}

/**
 * Stays with a run that asks people until it has ended, and answers its end. What it asks was shown as a message; on a
 * terminal the answer is read there, else it is told how to answer. Whoever answers first, anywhere, counts.
 */
export async function attend(run: Attended, stop: AbortSignal, output: Output): Promise<PlanStatus | undefined> {
  const { store, planId, runner } = run;
  let asked: { readonly requestId: string; readonly over: AbortController } | undefined;
  const settle = () => {
    asked?.over.abort();
    asked = undefined;
  };
  runner.takeUp(); // What is answered elsewhere goes on here, if no server takes it.
  try {
    while (!stop.aborted) {
      const { status, request } = await look(store, planId);
      if (status !== undefined && ends.includes(status)) return status;
      if (request?.requestId !== asked?.requestId) settle();
      if (request !== undefined && asked === undefined) {
        asked = { requestId: request.requestId, over: new AbortController() };
        const signal = AbortSignal.any([stop, asked.over.signal]);
        void tell(run, request, signal, output).catch((error) => output.note(String(error?.message ?? error)));
      }
      await pause(stop);
    }
    return undefined;
  } finally {
    settle();
  }
}

/** How the plan stands, and what is asked now. Nothing is known while the database is away. */
async function look(store: Store, planId: string): Promise<{ status?: PlanStatus; request?: RunRequest }> {
  try {
    const status = (await store.plans.find(planId))?.status;
    const record = await store.runs.find(planId);
    const isWaiting = record?.state === 'waiting' && record.request !== undefined;
    return { ...(status && { status }), ...(isWaiting && { request: record.request as RunRequest }) };
  } catch (error) {
    if (IndelibleError.is(error, 'store_unavailable')) return {};
    throw error;
  }
}

async function tell(run: Attended, request: RunRequest, signal: AbortSignal, output: Output): Promise<void> {
  const { planId, command, inStore, mayAsk, runner } = run;
  const isApproval = request.kind === 'approval';
  const terminal = output.noteTerminal;
  if (!mayAsk || !process.stdin.isTTY || terminal === undefined) {
    const how = isApproval ? '--approve   (or --reject)' : '"…"';
    output.note(
      `It waits for a person. To answer, from another terminal:\n  ${command} answer ${planId}${inStore} ${how}`,
    );
    return;
  }
  const reader = createInterface({ input: process.stdin, output: terminal });
  try {
    const prompt = isApproval ? 'Approve? [yes; no; or go on, with this in mind: …] ' : 'Your answer: ';
    const text = await reader.question(prompt, { signal });
    const { outcome } = await runner.answer(planId, { userId: nobody, requestId: request.requestId, text });
    if (outcome !== 'taken') output.note('Somebody else has answered meanwhile.');
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    reader.close();
  }
}
