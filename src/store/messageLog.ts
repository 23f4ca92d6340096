import type { PreparedMessage, StoredMessage } from '../protocol/message.ts';
import type { RowView } from '../protocol/rowView.ts';

/**
 * The log: every plan's messages, each with a place. The contract below is what `indelible/testing` checks of any
 * implementation; everything else in this package relies on it and on nothing more.
 *
 * 1. **Durable.** When `append` or `update` resolves, what it answers survives the death of any process, and (with the
 *    database's own durable settings) of the machine. A rejected call stored all of its batch or nothing.
 * 2. **Gapless.** A plan's messages have the sequences 1, 2, 3 … n. Whoever can see sequence k can see 1 to k: a
 *    reader that continues after the last sequence it saw misses nothing, however many writers there are.
 * 3. **In order.** Messages of one plan within a batch get sequences in the order of the batch; a batch appended after
 *    another one resolved comes behind it.
 * 4. **Once.** A message id names one message of its plan for ever, also when the message was trimmed. The same id with the same content (all but the
 *    timestamp) answers `duplicate` with the first sequence, with other content `conflict`; neither changes anything
 *    nor uses up a sequence. This holds within one batch too. Ids are compared exactly, case and normal form included.
 *    Content is compared with what the message says now: once it was updated, its first content is a conflict. Of a
 *    trimmed message only the text of its content can be compared: with its metadata in another order it is a conflict.
 * 5. **One winner.** An update names the version it is based on; of many updates based on the same version one wins. An
 *    update keeps the sequence, adds one to `version` and takes the next `revision` of its plan: 1, 2, 3 … n.
 * 6. **The same bytes.** A body is read back character for character as it was given.
 * 7. **Trimmed from the beginning.** What is trimmed is a run 1 to k; no reader is given any of it, and every reader who
 *    reads on from before k is told k. The head does not move, no sequence is given out again.
 *
 * What breaks them: giving out sequences outside the transaction that stores the message (a reader passes a slower
 * writer: 2), acknowledging before the commit is on disk (1), trying a failed `append` again in parts (3).
 *
 * Errors: `store_unavailable` where the same call may succeed later (nothing is known to be stored, nothing is lost by
 * calling again with the same ids), `store_refused` where it will not, either of them or `service_closed` after `close`.
 */
export interface MessageLog {
  /**
   * Names this history. A database that was replaced or restored has another one, and positions of the old are void.
   * As of the last call of `heads`, which notices a change.
   */
  readonly epoch: string;

  /** How many batches of different plans it pays to append at once. Default 1. */
  readonly appendsAtOnce?: number;

  /** Stores a batch in one transaction. Answers one outcome per message, in order. An empty batch answers `[]`. */
  append(batch: readonly PreparedMessage[]): Promise<readonly AppendOutcome[]>;

  /**
   * Replaces a message's body if its version is `expectedVersion`. The body must carry the same ids. A message that was
   * trimmed is not found.
   */
  update(message: PreparedMessage, expectedVersion: number): Promise<UpdateOutcome>;

  /**
   * Removes the messages with sequences up to `upTo`, the oldest first; never more than there are. Answers up to where the
   * plan is trimmed now, which may be further; 0 for a plan without messages. If it rejects, part of them may be removed:
   * call again.
   */
  trim(planId: string, upTo: number): Promise<number>;

  find(planId: string, messageId: string): Promise<StoredMessage | undefined>;

  /**
   * A page: up to `limit` messages behind `after.sequence` in order, and up to `limit` messages whose last update is behind
   * `after.revision`, in the order of those updates; of either fewer, but at least one, if they are large ({@link maxPageSize}). `position` is where to read on. A plan without messages reads as
   * empty, whether it exists or not. What was trimmed is passed over, and `trimmed` says so.
   */
  read(planId: string, after: LogPosition, limit: number): Promise<LogPage>;

  /**
   * {@link read} for who passes new messages on as text: up to `limit` of them behind the sequence `after`, each as the
   * view shows it with its content as of now; fewer, but at least one, if they are large ({@link maxPageSize}). What was
   * trimmed is passed over.
   * A store that has it spares its readers an object a message. {@link renderedPage} does the same by `read`, and is
   * what is called where a store does not have it.
   */
  readText?(planId: string, after: number, limit: number, view: RowView): Promise<TextPage>;

  /** How far each plan's log goes; plans without messages are at {@link logStart}. */
  heads(planIds: readonly string[]): Promise<ReadonlyMap<string, LogPosition>>;

  /**
   * Calls `listener` after commits: a hint to look, never the only way to learn of a message. Hints may come late, twice,
   * out of order or for nothing. A commit of this instance is told with what it committed: a run of the plan that ends
   * at the head it names, readable when it is told. Of what others committed, and of this instance's own commits once
   * more, a hint may say only how far a plan goes, or only that something was committed.
   */
  onCommit(listener: CommitListener): () => void;
}

/** A place in a plan's log: all messages up to `sequence`, and all updates up to `revision`, were seen. */
export interface LogPosition {
  readonly sequence: number;
  readonly revision: number;
}

export const logStart: LogPosition = { sequence: 0, revision: 0 };

/** A page ends with the message that brings it to this size, in characters (or bytes) of bodies: it is held in memory. */
export const maxPageSize = 4 * 1024 * 1024;

export interface LogPage {
  /** New messages, each with its content as of now. */
  readonly messages: readonly StoredMessage[];
  /**
   * Messages that were updated, each with its content as of now. One beyond the reader's sequence may be among them:
   * the reader skips it, it comes as a message.
   */
  readonly updates: readonly StoredMessage[];
  readonly position: LogPosition;
  /** The page is full, in number or in size: there may be more. */
  readonly more: boolean;
  /** The messages up to this sequence were trimmed; 0: none. A reader from before it has missed those for good. */
  readonly trimmed: number;
}

export interface TextPage {
  /** The rows in order, as UTF-8. Before each stands a comma: pages go behind one another as they are. */
  readonly text: Uint8Array;
  /** Of the last message in it: where to read on. */
  readonly sequence: number;
  /** There may be more. */
  readonly more: boolean;
}

export type AppendOutcome =
  | { readonly status: 'stored'; readonly message: StoredMessage }
  /** The id was taken, with the same content: here is the first. */
  | { readonly status: 'duplicate'; readonly message: StoredMessage }
  /** The id was taken, with other content. */
  | { readonly status: 'conflict'; readonly message: StoredMessage };

export type UpdateOutcome =
  | { readonly status: 'updated'; readonly message: StoredMessage }
  /** Somebody was first: here is what the message says now. */
  | { readonly status: 'conflict'; readonly message: StoredMessage }
  | { readonly status: 'not_found' };

/** What one commit did to one plan: new messages in order, updated ones in order. */
export interface PlanCommit {
  readonly planId: string;
  /** How far the plan's log goes with this commit. */
  readonly head: LogPosition;
  /** Empty where only the head is known: what others committed, and what the database tells of once more. */
  readonly messages: readonly StoredMessage[];
  readonly updates: readonly StoredMessage[];
}

/** `unknown`: something was committed somewhere, or the connection that tells of it was lost; look wherever you watch. */
export type CommitListener = (commits: readonly PlanCommit[] | 'unknown') => void;
