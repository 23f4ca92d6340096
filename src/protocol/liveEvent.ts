import type { PreparedMessage } from './message.ts';

/**
 * What is only live: sent to whoever watches now, never stored, without a sequence. Losing one loses no message.
 * `planId` and `timestamp` (ISO 8601, UTC, `Z`) are on all of them.
 */
export type LiveEvent = LiveEventBase &
  (
    | { readonly type: 'agent_stream_start'; readonly streamId: string; readonly agentName: string }
    | {
        readonly type: 'agent_message_streaming';
        readonly streamId: string;
        readonly agentName: string;
        readonly delta: string;
      }
    | {
        readonly type: 'agent_stream_end';
        readonly streamId: string;
        readonly agentName: string;
        /** The whole text of the answer. One stored message with the same text follows. */
        readonly text: string;
      }
    | {
        readonly type: 'progress_update' | 'step_progress';
        /** From 1. */
        readonly currentStep: number;
        readonly totalSteps: number;
        readonly currentAgent: string;
        readonly agentStatus: string;
        readonly stepDescription: string;
      }
    /** A user has read up to there, in whichever window: for that user's other windows, and nobody else. */
    | { readonly type: 'read_position'; readonly userId: string; readonly sequence: number }
    | { readonly type: 'workflow_started' | 'workflow_completed' | 'system_message'; readonly text: string }
    | {
        readonly type: 'error_notification';
        readonly errorType: string;
        readonly errorMessage: string;
        readonly recoverable: boolean;
      }
    /** Accepted and durable on this host's disk, not yet in the database. The stored message of this id follows. */
    | { readonly type: 'message_spooled'; readonly message: PreparedMessage }
  );

interface LiveEventBase {
  readonly planId: string;
  readonly timestamp: string;
}
