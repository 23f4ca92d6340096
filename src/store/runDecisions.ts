import { IndelibleError } from '../protocol/errors.ts';
import type { Answered, RunAnswer, RunRecord, RunRequest } from './runRecords.ts';

/** A run's columns, as both databases have them. Request and answer are JSON text, which holds any string. */
export interface RunRow {
  readonly plan_id: string;
  readonly state: RunRecord['state'];
  readonly owner: string | null;
  readonly fence: number;
  readonly request: string | null;
  readonly answer: string | null;
  readonly cancel_requested: boolean | number;
}

export function toRunRecord(row: RunRow): RunRecord {
  return {
    planId: row.plan_id,
    state: row.state,
    owner: row.owner ?? undefined,
    fence: row.fence,
    request: row.request === null ? undefined : (JSON.parse(row.request) as RunRequest),
    answer: row.answer === null ? undefined : (JSON.parse(row.answer) as RunAnswer),
    cancelRequested: Boolean(row.cancel_requested),
  };
}

/** What an answer meets in a record that nobody changes meanwhile; `counts`: it is the first to what is asked now. */
export function judgeAnswer(run: RunRecord | undefined, answer: RunAnswer): Answered | { readonly outcome: 'counts' } {
  if (run === undefined) return { outcome: 'no_run' };
  if (run.request?.requestId !== answer.requestId) return { outcome: 'not_asked' };
  if (run.answer !== undefined) {
    return run.answer.answerId === answer.answerId ? { outcome: 'taken', run } : { outcome: 'answered' };
  }
  return { outcome: run.state === 'waiting' ? 'counts' : 'not_asked' };
}

/** Whether a question that could not be asked stands as asked by the same holder before. */
export function isAsked(run: RunRecord | undefined, fence: number, { requestId }: RunRequest): boolean {
  return run?.state === 'waiting' && run.fence === fence && run.request?.requestId === requestId;
}

/** Whether a run that could not be ended was ended by the same holder before. */
export function isEnded(run: RunRecord | undefined, fence: number): boolean {
  return run?.state === 'ended' && run.fence === fence;
}

export function notJoined(owner: string): IndelibleError {
  return new IndelibleError('run_taken', { message: `${owner} does not count as alive` });
}
