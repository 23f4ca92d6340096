import type { AgentLog } from '../agents/agentLog.ts';
import type { NewMessage } from '../protocol/message.ts';
import type { Answer, ApprovalQuestion, ClarificationQuestion, PlannedStep } from './question.ts';

/** A team of agents that can be given a task. */
export interface Team {
  /** Names the team in calls and settings: `demo`. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly agents: readonly TeamAgent[];
  /** A person approves what is planned before the team begins. */
  readonly needsApproval?: boolean;
  /** What is to be approved; default a step for each agent. */
  plan?(task: PlanTask): Promise<TeamPlan>;
  /**
   * A run whose process died is begun again from its beginning. What the team says again, in the same order, is in the
   * log once, if it leaves the ids of its messages to the run ({@link RunContext.messageId}).
   */
  readonly repeatable?: boolean;
  /**
   * A run whose process died goes on where it was, by the checkpoints of `context.checkpoints` (`given`), or by some of
   * the team's own (`own`).
   */
  readonly keepsCheckpoints?: 'given' | 'own';
  /**
   * Works on one task until it is done. Saves its messages through `context.log` as it goes; a rejection fails the run.
   * Answers the final result, which becomes the plan's last message.
   */
  run(context: RunContext): Promise<FinalResult>;
}

export interface TeamAgent {
  readonly name: string;
  readonly description: string;
}

export interface PlanTask {
  readonly planId: string;
  readonly description: string;
  readonly signal: AbortSignal;
}

export interface TeamPlan {
  /** What is known before. */
  readonly facts?: string;
  readonly steps: readonly PlannedStep[];
}

export interface FinalResult {
  readonly agentName: string;
  readonly content: string;
}

/** A question as a team asks it; without an id it is named by its count in the run. */
export type TeamQuestion =
  | (Omit<ClarificationQuestion, 'requestId' | 'context'> & { readonly requestId?: string; readonly context?: string })
  | (Omit<ApprovalQuestion, 'requestId' | 'facts'> & { readonly requestId?: string; readonly facts?: string });

export interface RunContext {
  readonly planId: string;
  readonly sessionId: string;
  readonly userId: string;
  /** The task, as it was given; with what was said when it was approved, if anything was. */
  readonly description: string;
  readonly log: AgentLog;
  /** Aborted when the process is to stop, the run was canceled, or it is another process's. */
  readonly signal: AbortSignal;
  readonly checkpoints: RunCheckpoints;
  /** Saves a message of this plan. */
  say(message: Omit<NewMessage, 'planId'>): Promise<unknown>;
  /** The id of the message that is said next: of a repeatable team the same when it is run again. */
  messageId(): string;
  /**
   * What a person answered to this question. Rejects if nobody has yet: then let it through, and this `run` is over. The
   * team is run again when the answer is there, perhaps in another process: for teams that are repeatable or keep
   * checkpoints. @throws IndelibleError `run_failed` for others
   */
  ask(question: TeamQuestion): Promise<Answer>;
  /** Tells watchers how far the run is; not stored. `currentStep` from 1. */
  progress(step: {
    readonly currentStep: number;
    readonly totalSteps: number;
    readonly agentName: string;
    readonly description: string;
  }): void;
}

export interface RunCheckpoints {
  /**
   * The saver a graph of this run is to be given, undefined if there is none. It stores nothing for a run that is not
   * held any more, and waits for a database that is away. `own`: the graph's own, to be used with these guarantees.
   */
  saver(own?: CheckpointSaver): Promise<CheckpointSaver | undefined>;
}

/** A checkpointer of LangGraph, as far as it matters here. */
export interface CheckpointSaver {
  getTuple(...of: never[]): Promise<unknown>;
  put(...checkpoint: never[]): Promise<unknown>;
  putWrites(...writes: never[]): Promise<unknown>;
}
