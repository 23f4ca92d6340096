import assert from 'node:assert/strict';
import { toAgentMessage } from '../protocol/agentMessage.ts';
import type { AgentMessage } from '../protocol/message.ts';
import type { MessageLog } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import { contentOf, type SubmittedMessage } from './messageContent.ts';
import { Submission, type SubmissionOutcome } from './submission.ts';
import { WatchedLog } from './watchedLog.ts';

export type { SubmittedMessage } from './messageContent.ts';

/** A message as a reader got it: `AgentMessage` has all of this. */
export type ReadMessage = Pick<
  AgentMessage,
  'planId' | 'messageId' | 'sequence' | 'agentName' | 'agentType' | 'type' | 'content' | 'metadata' | 'timestamp'
>;

export interface HistoryOptions {
  /**
   * All calls of the recorder are made in one process, before a message is handed over and after its answer arrived.
   * Then one more promise is checked: what was submitted after another message was acknowledged stands behind it,
   * whoever the producers are.
   */
  readonly oneClock?: boolean;
}

/**
 * Records what producers were told and what watchers saw, and holds it against the database. The single oracle of all
 * tests with faults in them:
 *
 * acknowledged ⊆ database ⊆ acknowledged ∪ unknown · each id once · content equal · sequence 1..n · each producer's
 * order kept · every watcher's log a gapless run from its cursor.
 *
 * A submission is *unknown* until it is settled: a process that died, a connection that was cut. Messages are compared
 * by all but the timestamp, and by the timestamp too where one was submitted. The oracle knows nothing of updates: use
 * it for logs whose messages stay as they were saved. It compares with code of its own, not with that of the package.
 */
export class History {
  readonly #submissions: Submission[] = [];
  readonly #watched: WatchedLog[] = [];
  readonly #oneClock: boolean;
  #time = 0;

  constructor(options: HistoryOptions = {}) {
    this.#oneClock = options.oneClock ?? false;
  }

  /** Call before the message is handed over. One producer's submissions are in the order in which it made them. */
  submit(producer: string, message: SubmittedMessage): Submission {
    const submission = new Submission(producer, message, () => ++this.#time);
    this.#submissions.push(submission);
    return submission;
  }

  /**
   * A watcher of a plan that has seen all up to `after`; left out: one that is shown the newest few and begins with
   * whichever comes first. A watcher that connects again is another one, with its cursor.
   */
  watch(name: string, planId: string, after?: number): WatchedLog {
    const watched = new WatchedLog(name, planId, after);
    this.#watched.push(watched);
    return watched;
  }

  get planIds(): readonly string[] {
    return [...new Set([...this.#submissions, ...this.#watched].map(({ planId }) => planId))];
  }

  /** How many submissions were settled in which way. */
  counts(): Record<SubmissionOutcome, number> {
    const counts = { acknowledged: 0, refused: 0, unknown: 0 };
    for (const { outcome } of this.#submissions) counts[outcome]++;
    return counts;
  }

  /** Reads every plan of this history from the log and throws an `AssertionError` that lists every broken promise. */
  async verify(log: Pick<MessageLog, 'read'>): Promise<void> {
    const database: ReadMessage[] = [];
    for (const planId of this.planIds) {
      for await (const message of readAll(log, planId)) database.push(toAgentMessage(message));
    }
    this.verifyAgainst(database);
  }

  /** As {@link verify}, with the messages of all plans as somebody else read them, each plan's in the order read. */
  verifyAgainst(database: readonly ReadMessage[]): void {
    const violations = this.violations(database);
    if (violations.length === 0) return;
    const shown = violations.slice(0, 20).map((violation) => `\n  - ${violation}`);
    const rest = violations.length > 20 ? `\n  and ${violations.length - 20} more` : '';
    assert.fail(`the log breaks ${violations.length} promises:${shown.join('')}${rest}`);
  }

  /** One sentence per broken promise. */
  violations(database: readonly ReadMessage[]): string[] {
    const plans = Map.groupBy(database, ({ planId }) => planId);
    const submitted = Map.groupBy(this.#submissions, ({ planId }) => planId);
    const watched = Map.groupBy(this.#watched, ({ planId }) => planId);
    return [...new Set([...plans.keys(), ...submitted.keys(), ...watched.keys()])].flatMap((planId) => {
      const rows = plans.get(planId) ?? [];
      const submissions = submitted.get(planId) ?? [];
      const byId = Map.groupBy(submissions, ({ messageId }) => messageId);
      return [
        ...placeViolations(rows),
        ...storedViolations(rows, byId),
        ...lossViolations(rows, submissions),
        ...producerOrderViolations(rows, submissions, byId),
        ...(this.#oneClock ? clockViolations(rows, byId) : []),
        ...(watched.get(planId) ?? []).flatMap((log) => log.violations(rows)),
      ].map((violation) => `plan ${planId}: ${violation}`);
    });
  }
}

type SubmissionsById = ReadonlyMap<string, readonly Submission[]>;

/** Sequence 1..n in the order read, each id once. */
function placeViolations(rows: readonly ReadMessage[]): string[] {
  const found: string[] = [];
  const first = new Map<string, number>();
  rows.forEach(({ sequence, messageId }, index) => {
    if (sequence !== index + 1)
      found.push(`the message read at place ${index + 1} (${messageId}) has sequence ${sequence}`);
    const before = first.get(messageId);
    if (before !== undefined) found.push(`${messageId} is stored twice, at ${before} and at ${sequence}`);
    else first.set(messageId, sequence);
  });
  return found;
}

/** Database ⊆ acknowledged ∪ unknown, content equal. */
function storedViolations(rows: readonly ReadMessage[], byId: SubmissionsById): string[] {
  return rows.flatMap((row) => {
    const submissions = byId.get(row.messageId);
    const place = `${row.messageId} at ${row.sequence}`;
    if (submissions === undefined) return [`${place} was never submitted`];
    if (submissions.every(({ outcome }) => outcome === 'refused')) {
      return [`${place} is stored although every save of it was refused (${submissions[0]?.detail})`];
    }
    if (submissions.some((submission) => submission.mayHaveStored(row))) return [];
    const said = submissions.map((submission) => contentOf(submission.message)).join(' or ');
    return [
      `${place} was changed: submitted ${brief(said)}, stored ${brief(contentOf(row))} with timestamp ${row.timestamp}`,
    ];
  });
}

/** Acknowledged ⊆ database, at the acknowledged place and with the acknowledged content. */
function lossViolations(rows: readonly ReadMessage[], submissions: readonly Submission[]): string[] {
  const stored = new Map(rows.map((row) => [row.messageId, row]));
  return submissions.flatMap((submission) => {
    if (submission.outcome !== 'acknowledged') return [];
    const { messageId, producer, acknowledgedSequence: place } = submission;
    const row = stored.get(messageId);
    const at = place === undefined ? '' : ` at ${place}`;
    if (row === undefined) return [`${messageId} of ${producer} is lost: it was acknowledged${at} and is not there`];
    if (place !== undefined && row.sequence !== place) {
      return [`${messageId} of ${producer} moved: it was acknowledged at ${place} and stands at ${row.sequence}`];
    }
    if (submission.content === contentOf(row)) return [];
    return [
      `${messageId} of ${producer} was acknowledged with content that is not stored: ${brief(submission.content)}`,
    ];
  });
}

/**
 * Each producer's messages stand in the order in which it submitted them. A message that was submitted several times
 * may stand where any of those times would put it. Ids that several producers submitted say nothing of any one's order.
 */
function producerOrderViolations(
  rows: readonly ReadMessage[],
  submissions: readonly Submission[],
  byId: SubmissionsById,
): string[] {
  const found: string[] = [];
  const bySequence = rows.toSorted((one, other) => one.sequence - other.sequence);
  for (const [producer, own] of Map.groupBy(submissions, (submission) => submission.producer)) {
    const positions = new Map<string, number[]>();
    own.forEach((submission, position) => {
      if (submission.outcome === 'refused') return;
      const known = positions.get(submission.messageId);
      if (known === undefined) positions.set(submission.messageId, [position]);
      else known.push(position);
    });
    let last = -1;
    let lastRow: ReadMessage | undefined;
    for (const row of bySequence) {
      const candidates = positions.get(row.messageId);
      if (candidates === undefined || byId.get(row.messageId)?.some((other) => other.producer !== producer)) continue;
      const position = candidates.find((candidate) => candidate > last);
      if (position === undefined) {
        found.push(
          `the order of ${producer} is broken: ${row.messageId} stands at ${row.sequence}, behind ` +
            `${lastRow?.messageId} at ${lastRow?.sequence}, but was submitted before it`,
        );
        continue;
      }
      last = position;
      lastRow = row;
    }
  }
  return found;
}

/** What was submitted after another message was acknowledged stands behind it. */
function clockViolations(rows: readonly ReadMessage[], byId: SubmissionsById): string[] {
  const found: string[] = [];
  let behind: { readonly row: ReadMessage; readonly acknowledgedAt: number } | undefined;
  for (const row of rows.toSorted((one, other) => other.sequence - one.sequence)) {
    const submissions = byId.get(row.messageId) ?? [];
    const submittedAt = Math.min(...submissions.map((submission) => submission.submittedAt));
    if (behind !== undefined && behind.acknowledgedAt < submittedAt) {
      found.push(
        `${row.messageId} stands at ${row.sequence}, before ${behind.row.messageId} at ${behind.row.sequence}, but was ` +
          'submitted after that one was acknowledged',
      );
    }
    const acknowledgedAt = Math.min(...submissions.map((submission) => submission.acknowledgedAt));
    if (behind === undefined || acknowledgedAt < behind.acknowledgedAt) behind = { row, acknowledgedAt };
  }
  return found;
}

function brief(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}
