import type { ClientError } from './clientError.ts';
import type { PlanDraft } from './drafts.ts';
import type { PlanState } from './planEvents.ts';
import type { PlanGap, PlanMessage } from './planMessage.ts';

/** A plan as it is known at one moment. Never changed; while nothing changes, the same object. */
export interface PlanSnapshot {
  /** The stored ones in order, each once, from the first on; then those on the way into the database. */
  readonly messages: readonly PlanMessage[];
  /** Answers that are being written. The message takes the place of its draft in the same moment. */
  readonly drafts: readonly PlanDraft[];
  /** Places that `messages` leaves out, because those messages were taken out of the log. */
  readonly gaps: readonly PlanGap[];
  readonly state: PlanState;
  /** Up to which sequence this user has read, here or elsewhere. */
  readonly read: number;
  /** How many of the stored messages are behind that. */
  readonly unread: number;
  /** Why the server does not show the plan. Gone when it does. */
  readonly error: ClientError | undefined;
}

/** Of a plan that nobody watches. */
export const unwatched: PlanSnapshot = {
  messages: [],
  drafts: [],
  gaps: [],
  state: 'connecting',
  read: 0,
  unread: 0,
  error: undefined,
};
