import type { SaveResult } from '../persistence/saveResult.ts';
import type { AgentMessage } from '../protocol/message.ts';
import { contentOf, type SubmittedMessage } from './messageContent.ts';

/** What the producer was told of its save. `unknown`: nothing, or nothing final. */
export type SubmissionOutcome = 'acknowledged' | 'refused' | 'unknown';

/** One save of one message by one producer, and what the producer was told. */
export class Submission {
  readonly producer: string;
  readonly message: SubmittedMessage;
  readonly planId: string;
  readonly messageId: string;
  /** As one text, to compare. Taken when the message was submitted. */
  readonly content: string;
  readonly submittedAt: number;
  readonly #tick: () => number;
  #outcome: SubmissionOutcome = 'unknown';
  #detail = '';
  #acknowledgedAt = Number.POSITIVE_INFINITY;
  #acknowledgedSequence: number | undefined;

  constructor(producer: string, message: SubmittedMessage, tick: () => number) {
    this.producer = producer;
    this.message = message;
    this.planId = message.planId;
    this.messageId = message.messageId;
    this.content = contentOf(message);
    this.#tick = tick;
    this.submittedAt = tick();
  }

  get outcome(): SubmissionOutcome {
    return this.#outcome;
  }

  /** Why it was refused, as far as it was said. */
  get detail(): string {
    return this.#detail;
  }

  get acknowledgedAt(): number {
    return this.#acknowledgedAt;
  }

  get acknowledgedSequence(): number | undefined {
    return this.#acknowledgedSequence;
  }

  /** The producer was told that the message is stored, and at which place if it was told that. */
  acknowledged(sequence?: number): void {
    this.#outcome = 'acknowledged';
    this.#acknowledgedAt = this.#tick();
    this.#acknowledgedSequence = sequence;
  }

  /** The producer was told that the message is not stored and never will be by this save. */
  refused(detail = ''): void {
    this.#outcome = 'refused';
    this.#detail = detail;
  }

  /**
   * What `MessagePersistenceService.save` answered. A message that waited when the service was closed is unknown: it
   * may have been on its way. So is one that was refused after a try whose answer was lost: that one may have stored it.
   */
  settle(result: SaveResult): void {
    if (result.status === 'stored') this.acknowledged(result.message.sequence);
    // It must be in the database once the spool is drained.
    if (result.status === 'spooled') this.acknowledged();
    if (result.status !== 'refused' || result.error.code === 'service_closed') return;
    if (result.error.code !== 'store_refused' || result.retries === 0) this.refused(result.error.code);
  }

  /** Whether this save can be what left `row` in the database. */
  mayHaveStored(
    row: Pick<AgentMessage, 'agentName' | 'agentType' | 'type' | 'content' | 'metadata' | 'timestamp'>,
  ): boolean {
    if (this.#outcome === 'refused' || this.content !== contentOf(row)) return false;
    const { timestamp } = this.message;
    return timestamp === undefined || new Date(timestamp).getTime() === new Date(row.timestamp).getTime();
  }
}
