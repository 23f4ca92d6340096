/**
 * An answer that is being written: durable text without a place in the log. The message whose id is `draftId` takes its
 * place when the answer is finished.
 */
export interface Draft {
  readonly planId: string;
  /** The id of the message that it becomes. */
  readonly draftId: string;
  readonly agentName: string;
  /** The text so far. */
  readonly text: string;
  /** ISO 8601, UTC, `Z`. */
  readonly updatedAt: string;
}
