/** A step of a plan that is to be approved: who does what. */
export interface PlannedStep {
  readonly agent: string;
  readonly action: string;
}

/** What a run asks a person. The same `requestId` asked again is the same question. */
export type Question = ApprovalQuestion | ClarificationQuestion;

export interface ApprovalQuestion {
  readonly kind: 'approval';
  readonly requestId: string;
  readonly facts: string;
  readonly steps: readonly PlannedStep[];
  /** Default the task. */
  readonly userRequest?: string | undefined;
  /** Who asks; default the team. */
  readonly asker?: string | undefined;
}

export interface ClarificationQuestion {
  readonly kind: 'clarification';
  readonly requestId: string;
  readonly question: string;
  readonly context: string;
  readonly asker?: string | undefined;
}

/** What a person said to a question. */
export interface Answer {
  readonly approved: boolean;
  /** Feedback, or the answer to a question in words. May be empty. */
  readonly text: string;
}
