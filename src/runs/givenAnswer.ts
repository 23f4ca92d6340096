import { randomUUID } from 'node:crypto';
import type { Clock } from '../resilience/clock.ts';
import type { Answered, RunRecords, RunRequest } from '../store/runRecords.ts';
import type { PersonAnswer } from './answering.ts';
import { briefly } from './planCreation.ts';
import { isApprovalWord, isRefusalWord, planApprovalId } from './questions.ts';

export interface AnswerDesk {
  readonly runs: RunRecords;
  readonly clock: Clock;
  /** True: it is not tried again. */
  readonly isStopped: () => boolean;
  /** Makes a call that takes the run for somebody who has joined. */
  readonly asOwner: <T>(call: (owner: string) => Promise<T>) => Promise<T>;
}

export type GivenAnswer =
  | (Extract<Answered, { outcome: 'taken' }> & { readonly request: RunRequest; readonly approved: boolean })
  | Exclude<Answered, { outcome: 'taken' }>;

/**
 * Records what a person says to a run that waits. A database that is busy is asked again for most of a second: the answer
 * has one id in all tries, so it is recorded once.
 *
 * @throws IndelibleError `store_unavailable`, `run_taken`
 */
export async function giveAnswer(desk: AnswerDesk, planId: string, given: PersonAnswer): Promise<GivenAnswer> {
  const { runs, clock, isStopped, asOwner } = desk;
  const record = await briefly(clock, isStopped, () => runs.find(planId));
  if (record === undefined) return { outcome: 'no_run' };
  const { request } = record;
  if (request === undefined || (given.requestId ?? request.requestId) !== request.requestId) {
    return { outcome: 'not_asked' };
  }
  const { approved, text } = understand(request, given);
  const answeredAt = new Date(clock.now()).toISOString();
  const { requestId } = request;
  const answer = { answerId: randomUUID(), requestId, userId: given.userId, approved, text, answeredAt };
  // A plan that was rejected has not begun: clients would show what is in progress as approved.
  const decided = approved ? 'approved' : 'pending';
  const status = requestId === planApprovalId ? decided : 'in_progress';
  const answered = await briefly(clock, isStopped, () =>
    asOwner((owner) => runs.answer(planId, answer, owner, status, answeredAt)),
  );
  return answered.outcome === 'taken' ? { ...answered, request, approved } : answered;
}

/** Joins for one call only: what it took is free when the call is over, for whichever process has the run's team. */
export async function asGuest<T>(
  runs: Pick<RunRecords, 'join' | 'leave'>,
  call: (owner: string) => Promise<T>,
): Promise<T> {
  const guest = randomUUID();
  await runs.join(guest);
  try {
    return await call(guest);
  } finally {
    // If not even this can be stored, the guest is buried like any other who is silent.
    await runs.leave(guest).catch(() => {});
  }
}

/**
 * What an answer means where nobody said whether it approves. An approval word by itself approves, a refusal by itself
 * refuses; other text is feedback: the plan of a team is begun with it, and a graph hears it and decides.
 */
function understand(request: RunRequest, { approved, text = '' }: PersonAnswer): { approved: boolean; text: string } {
  if (request.kind === 'clarification') return { approved: approved ?? isApprovalWord(text), text };
  if (approved !== undefined) return { approved, text };
  if (isApprovalWord(text)) return { approved: true, text: '' };
  if (isRefusalWord(text) || text.trim() === '') return { approved: false, text: '' };
  return { approved: request.requestId === planApprovalId, text };
}
