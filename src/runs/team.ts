import type { AgentLog } from '../agents/agentLog.ts';
import type { NewMessage } from '../protocol/message.ts';

/** A team of agents that can be given a task. */
export interface Team {
  /** Names the team in calls and settings: `demo`. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly agents: readonly TeamAgent[];
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

export interface FinalResult {
  readonly agentName: string;
  readonly content: string;
}

export interface RunContext {
  readonly planId: string;
  readonly sessionId: string;
  readonly userId: string;
  /** The task, as it was given. */
  readonly description: string;
  readonly log: AgentLog;
  /** Aborted when the process is to stop. */
  readonly signal: AbortSignal;
  /** Saves a message of this plan. */
  say(message: Omit<NewMessage, 'planId'>): Promise<unknown>;
  /** Tells watchers how far the run is; not stored. `currentStep` from 1. */
  progress(step: {
    readonly currentStep: number;
    readonly totalSteps: number;
    readonly agentName: string;
    readonly description: string;
  }): void;
}
