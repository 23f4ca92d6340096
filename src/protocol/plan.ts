import type { JsonValue } from './jsonText.ts';

/** Where a plan is on its way. The last three are ends. `canceled` and the waiting ones come with later versions. */
export const planStatuses = [
  'pending',
  'in_progress',
  'pending_approval',
  'pending_clarification',
  'approved',
  'rejected',
  'completed',
  'failed',
  'canceled',
] as const;
export type PlanStatus = (typeof planStatuses)[number];

/** One task given to a team of agents, and what is known of how it goes. Its messages are in the log. */
export interface Plan {
  readonly planId: string;
  /** Any string; several plans may share it. */
  readonly sessionId: string;
  readonly userId: string;
  readonly teamId: string;
  readonly description: string;
  readonly status: PlanStatus;
  readonly steps: readonly PlanStep[];
  /** ISO 8601, UTC, `Z`. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** How many messages the log holds for it: trimmed ones are not counted. */
  readonly messageCount: number;
}

export interface PlanStep {
  readonly id: string;
  readonly description: string;
  readonly agent: string;
  readonly status: PlanStatus;
  readonly result: JsonValue;
}
