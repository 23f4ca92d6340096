import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';
import { systemClock } from '../resilience/clock.ts';
import type { AnswerOutcome, PersonAnswer } from '../runs/answering.ts';
import { asGuest, giveAnswer } from '../runs/givenAnswer.ts';
import { nobody } from '../runs/runner.ts';
import type { Store } from '../store/store.ts';
import { openExistingStore } from './existingStore.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { invalidSetting, setting } from './settings.ts';
import { noPlan } from './tail.ts';
import { onOneLine } from './terminalText.ts';

export interface AnswerOptions {
  readonly store?: string;
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly json?: boolean;
}

/**
 * `indelible answer <plan> [text]`: what a run waits for, said to the store. Whichever process serves the plan's team goes
 * on with the run; if none does now, the first that comes.
 */
export async function answer(
  given: string,
  text: string | undefined,
  options: AnswerOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const planId = checkId(given, 'plan');
  const said = saidBy(text, options);
  const store = await openExistingStore(setting('store', options.store, environment), environment);
  try {
    if ((await store.plans.find(planId)) === undefined) throw noPlan(planId, store);
    const outcome = await answerAtStore(store, planId, said);
    if (options.json) output.json(JSON.stringify(outcomeObject(planId, outcome)));
    else if (outcome.outcome === 'taken')
      output.line(`Answered; ${onOneLine(planId)} goes on where its team is served (\`indelible serve\`).`);
    else output.note(whyNot(onOneLine(planId), outcome.outcome, said.approved !== undefined));
    return outcome.outcome === 'taken' ? 0 : 1;
  } finally {
    await store.close();
  }
}

/** The answer is recorded, and the run is free for the process that has its team. */
async function answerAtStore({ runs }: Store, planId: string, said: PersonAnswer): Promise<AnswerOutcome> {
  const asOwner = <T>(call: (owner: string) => Promise<T>) => asGuest(runs, call);
  const answered = await giveAnswer({ runs, clock: systemClock, isStopped: () => false, asOwner }, planId, said);
  if (answered.outcome !== 'taken') return answered;
  return { outcome: 'taken', request: answered.request, approved: answered.approved };
}

function saidBy(text: string | undefined, { approve, reject }: AnswerOptions): PersonAnswer {
  if (approve && reject) throw invalidSetting('--approve', 'and --reject exclude each other');
  if (!approve && !reject && (text ?? '').trim() === '') {
    throw new IndelibleError('invalid_config', { message: 'nothing is answered: give a text, --approve or --reject' });
  }
  const approved = approve ? true : reject ? false : undefined;
  return { userId: nobody, text: text ?? '', ...(approved !== undefined && { approved }) };
}

function outcomeObject(planId: string, outcome: AnswerOutcome): Record<string, unknown> {
  if (outcome.outcome !== 'taken') return { plan_id: planId, outcome: outcome.outcome };
  const { request, approved } = outcome;
  const { requestId: request_id, kind } = request;
  return { plan_id: planId, outcome: 'taken', request_id, kind, ...(kind === 'approval' && { approved }) };
}

function whyNot(planId: string, outcome: 'answered' | 'not_asked' | 'no_run', isApproval: boolean): string {
  if (outcome === 'answered') return `Somebody has answered ${planId} already.`;
  if (outcome === 'not_asked') return `${planId} asks ${isApproval ? 'for no approval' : 'nothing'} now.`;
  return `${planId} is not a run of a team: nothing waits for an answer.`;
}
