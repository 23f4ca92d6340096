import type { Question } from './question.ts';

/** Leaves a team's `run` where a person must answer first. No failure: the run is over until then. */
export class PersonAsked extends Error {
  override readonly name = 'PersonAsked';
  readonly question: Question;

  constructor(question: Question) {
    super('the run waits for a person: what `ask` throws must be let through');
    this.question = question;
  }
}

/** Leaves a team's `run` where a person has said that it must not go on. */
export class PlanRejected extends Error {
  override readonly name = 'PlanRejected';
  readonly feedback: string;

  constructor(feedback: string) {
    super('the plan was rejected');
    this.feedback = feedback;
  }
}
