import type { RunRequest } from '../store/runRecords.ts';

/** What a person says to a run that waits. */
export interface PersonAnswer {
  /** Which question is answered; default whatever is asked now, or with `approved` the approval that is asked for now. */
  readonly requestId?: string;
  /**
   * Whether it approves. Default, by the text: an approval word by itself (`ok`, `yes`, `approve`, `approved`, in any case)
   * approves, a refusal by itself (`no`, `reject`, `rejected`) or no text does not; other text is feedback, with which the
   * plan of a team is begun, and which a graph hears as not approved.
   */
  readonly approved?: boolean;
  /** Feedback, or the answer to a question. Default none. */
  readonly text?: string;
  readonly userId: string;
  /** The run goes on when this has settled, at the latest after a second: the caller is answered first. Default now. */
  readonly callerAnswered?: Promise<unknown>;
}

/**
 * `taken`: the run goes on with it. `answered`: another answer came first, or the same one before. `not_asked`: the run
 * waits for nobody, or for the answer to another question. `no_run`: there is no such plan, or it never was a run.
 */
export type AnswerOutcome =
  | { readonly outcome: 'taken'; readonly request: RunRequest; readonly approved: boolean }
  | { readonly outcome: 'answered' | 'not_asked' | 'no_run' };

/** `canceled`: it is over, or will be within a beat. `ended`: it was over before. */
export type CancelOutcome = 'canceled' | 'ended' | 'no_run';
