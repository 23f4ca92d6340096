import type { Pool, PoolClient } from 'pg';
import type { PreparedMessage, StoredMessage } from '../../protocol/message.ts';
import type { RowView } from '../../protocol/rowView.ts';
import { commitsOf } from '../commitListeners.ts';
import {
  type AppendOutcome,
  type CommitListener,
  type LogPage,
  type LogPosition,
  logStart,
  type MessageLog,
  maxPageSize,
  type PlanCommit,
  type TextPage,
  type UpdateOutcome,
} from '../messageLog.ts';
import { renderedPage } from '../renderedPage.ts';
import { isTrimmed, repeated } from '../trimmedMessage.ts';
import type { Wake } from '../wake.ts';
import { decodeHint } from '../wakeHint.ts';
import { batchValues } from './batchValues.ts';
import { CommitTelling } from './commitTelling.ts';
import { inTransaction, query, sqlState, translated, uniqueViolation, withConnection } from './connection.ts';
import { copiedPage } from './copiedRows.ts';
import type { Epoch } from './epoch.ts';
import type { Hearing } from './hearing.ts';
import * as statements from './statements.ts';
import { trim } from './trim.ts';

interface Row {
  readonly plan_id: string;
  readonly message_id: string;
  readonly sequence: number;
  readonly version: number;
  readonly revision: number;
  readonly body: string;
}

/** `size`: of the page up to this row, in bytes. The row whose `is_update` is null says what was trimmed. */
type PageRow = Row & { readonly is_update: boolean | null; readonly size: number };
type HeadRow = Pick<Row, 'plan_id' | 'sequence' | 'revision'>;
type MutableHead = { sequence: number; revision: number };

export interface PostgresLogOptions {
  readonly pool: Pool;
  readonly epoch: Epoch;
  /** Tells other processes of commits, and of theirs. */
  readonly wake: Wake;
  readonly hearing: Hearing;
}

/**
 * The log on PostgreSQL, shared by any number of processes. The head row of a plan, locked by every statement that adds
 * to the plan until it commits, is what makes its sequences gapless for readers: whoever sees a head sees all before it.
 */
export class PostgresLog implements MessageLog {
  readonly appendsAtOnce = 2;
  readonly #pool: Pool;
  readonly #epoch: Epoch;
  readonly #wake: Wake;
  readonly #telling: CommitTelling;
  readonly #hearing: Hearing;

  constructor({ pool, epoch, wake, hearing }: PostgresLogOptions) {
    this.#pool = pool;
    this.#epoch = epoch;
    this.#wake = wake;
    this.#hearing = hearing;
    this.#telling = new CommitTelling(pool, wake.inTransaction);
  }

  get epoch(): string {
    return this.#epoch.current;
  }

  async append(batch: readonly PreparedMessage[]): Promise<readonly AppendOutcome[]> {
    if (batch.length === 0) return [];
    const { outcomes, heads } = await this.#writing('cannot append', () =>
      hasRepeats(batch) ? this.#appendCarefully(batch) : this.#appendOptimistically(batch),
    );
    this.#announce(commitsOf(outcomes, heads));
    return outcomes;
  }

  async #appendOptimistically(batch: readonly PreparedMessage[]): Promise<Appended> {
    try {
      const { values, behind } = batchValues(batch);
      const { rows } = await query<{ hint: string }>(this.#pool, statements.appendBatch, [
        ...values,
        this.#telling.now,
      ]);
      return placedBehind(batch, behind, headsOfHints(rows.map(({ hint }) => hint)));
    } catch (error) {
      if (sqlState(error) === uniqueViolation) return this.#appendCarefully(batch);
      throw error;
    }
  }

  /** Some id is known already: lock the heads in order, look for the ids, number and store the others. */
  #appendCarefully(batch: readonly PreparedMessage[]): Promise<Appended> {
    return inTransaction(this.#pool, async (client) => {
      const planIds = [...new Set(batch.map(({ planId }) => planId))];
      const locked = await client.query<HeadRow>({ ...statements.lockHeads, values: [planIds] });
      const heads = headsOf(locked.rows);
      const known = await findKnown(client, batch);
      const outcomes = batch.map((message) => placeOne(message, known, heads));
      const added = outcomes.flatMap(({ status, message }) => (status === 'stored' ? [message] : []));
      if (added.length > 0) await this.#insertNumbered(client, added, heads);
      return { outcomes, heads };
    });
  }

  async #insertNumbered(
    client: PoolClient,
    added: readonly StoredMessage[],
    heads: ReadonlyMap<string, MutableHead>,
  ): Promise<void> {
    const values = [
      added.map(({ planId }) => planId),
      added.map(({ messageId }) => messageId),
      added.map(({ body }) => body),
      added.map(({ sequence }) => sequence),
    ];
    await client.query({ ...statements.insertNumbered, values });
    await this.#saveHeads(client, [...new Set(added.map(({ planId }) => planId))], heads);
  }

  async #saveHeads(
    client: PoolClient,
    planIds: readonly string[],
    heads: ReadonlyMap<string, MutableHead>,
  ): Promise<void> {
    const moved = planIds.map((planId) => heads.get(planId) as MutableHead);
    const values = [
      planIds,
      moved.map(({ sequence }) => sequence),
      moved.map(({ revision }) => revision),
      this.#telling.now,
    ];
    await client.query({ ...statements.saveHeads, values });
  }

  async update({ planId, messageId, body }: PreparedMessage, expectedVersion: number): Promise<UpdateOutcome> {
    const result = await this.#writing('cannot update', () =>
      inTransaction(this.#pool, async (client): Promise<{ outcome: UpdateOutcome; head?: MutableHead }> => {
        const locked = await client.query<HeadRow>({ ...statements.lockHead, values: [planId] });
        const heads = headsOf(locked.rows);
        const head = heads.get(planId);
        const rows = await client.query<Row>({ ...statements.findMessage, values: [planId, messageId] });
        const found = rows.rows.map(toStored)[0];
        if (head === undefined || found === undefined || isTrimmed(found.body)) {
          return { outcome: { status: 'not_found' } };
        }
        if (found.version !== expectedVersion) return { outcome: { status: 'conflict', message: found } };
        head.revision++;
        const message = { ...found, body, version: found.version + 1, revision: head.revision };
        const values = [planId, message.sequence, message.version, message.revision, body];
        await client.query({ ...statements.replaceMessage, values });
        await this.#saveHeads(client, [planId], heads);
        return { outcome: { status: 'updated', message }, head };
      }),
    );
    const { outcome, head } = result;
    if (outcome.status === 'updated' && head !== undefined) {
      this.#announce([{ planId, head, messages: [], updates: [outcome.message] }]);
    }
    return outcome;
  }

  trim(planId: string, upTo: number): Promise<number> {
    return translated('cannot trim', () => trim(this.#pool, planId, upTo));
  }

  find(planId: string, messageId: string): Promise<StoredMessage | undefined> {
    return translated('cannot read', async () => {
      const { rows } = await query<Row>(this.#pool, statements.findMessage, [planId, messageId]);
      return rows.filter(({ body }) => !isTrimmed(body)).map(toStored)[0];
    });
  }

  read(planId: string, after: LogPosition, limit: number): Promise<LogPage> {
    return translated('cannot read', async () => {
      const values = [planId, after.sequence, after.revision, limit, maxPageSize];
      const { rows } = await query<PageRow>(this.#pool, statements.readLog, values);
      const trimmed = rows.find((row) => row.is_update === null)?.sequence ?? 0;
      const messages = rows.filter((row) => row.is_update === false);
      const updates = rows.filter((row) => row.is_update === true);
      const position = {
        sequence: messages.at(-1)?.sequence ?? Math.max(after.sequence, trimmed),
        revision: updates.at(-1)?.revision ?? after.revision,
      };
      const more = [messages, updates].some((page) => page.length === limit || (page.at(-1)?.size ?? 0) >= maxPageSize);
      return { messages: messages.map(toStored), updates: updates.map(toStored), position, more, trimmed };
    });
  }

  async readText(planId: string, after: number, limit: number, view: RowView): Promise<TextPage> {
    const page = await translated('cannot read', () =>
      withConnection(this.#pool, (client) => copiedPage(client, planId, after, limit, view)),
    );
    return page ?? renderedPage(this, planId, after, limit, view);
  }

  heads(planIds: readonly string[]): Promise<ReadonlyMap<string, LogPosition>> {
    return translated('cannot read', async () => {
      await this.#epoch.refresh(this.#pool);
      const { rows } = await query<HeadRow>(this.#pool, statements.readHeads, [planIds]);
      const found = headsOf(rows);
      return new Map(planIds.map((planId) => [planId, found.get(planId) ?? logStart]));
    });
  }

  onCommit(listener: CommitListener): () => void {
    return this.#hearing.onCommit(listener);
  }

  #writing<T>(what: string, action: () => Promise<T>): Promise<T> {
    return translated(what, () => this.#telling.during(action));
  }

  #announce(commits: readonly PlanCommit[]): void {
    this.#hearing.commits.tell(commits);
    this.#wake.announce(commits);
  }
}

interface Appended {
  readonly outcomes: readonly AppendOutcome[];
  /** After the append. */
  readonly heads: ReadonlyMap<string, LogPosition>;
}

/** The places of a batch all of which was stored. */
function placedBehind(
  batch: readonly PreparedMessage[],
  behind: readonly number[],
  heads: ReadonlyMap<string, LogPosition>,
): Appended {
  const outcomes = batch.map(({ planId, messageId, body }, index): AppendOutcome => {
    const sequence = (heads.get(planId) as LogPosition).sequence - (behind[index] as number);
    return { status: 'stored', message: { planId, messageId, body, sequence, version: 1, revision: 0 } };
  });
  return { outcomes, heads };
}

/** Decides one message under locked heads; what is stored becomes known, for a repeat behind it in the batch. */
function placeOne(
  given: PreparedMessage,
  known: Map<string, StoredMessage>,
  heads: ReadonlyMap<string, MutableHead>,
): AppendOutcome {
  const { planId, messageId, body } = given;
  const identity = identityOf(planId, messageId);
  const first = known.get(identity);
  if (first !== undefined) return repeated(first, given);
  const head = heads.get(planId) as MutableHead;
  head.sequence++;
  const message = { planId, messageId, body, sequence: head.sequence, version: 1, revision: 0 };
  known.set(identity, message);
  return { status: 'stored', message };
}

async function findKnown(client: PoolClient, batch: readonly PreparedMessage[]): Promise<Map<string, StoredMessage>> {
  const values = [batch.map(({ planId }) => planId), batch.map(({ messageId }) => messageId)];
  const { rows } = await client.query<Row>({ ...statements.findMany, values });
  return new Map(rows.map((row) => [identityOf(row.plan_id, row.message_id), toStored(row)]));
}

function hasRepeats(batch: readonly PreparedMessage[]): boolean {
  // As a rule no two plans share an id either, and the pairs need not be made.
  if (new Set(batch.map(({ messageId }) => messageId)).size === batch.length) return false;
  return new Set(batch.map(({ planId, messageId }) => identityOf(planId, messageId))).size < batch.length;
}

/** Ids hold no newline. */
function identityOf(planId: string, messageId: string): string {
  return `${planId}\n${messageId}`;
}

function headsOfHints(hints: readonly string[]): Map<string, LogPosition> {
  return new Map(hints.flatMap(decodeHint).map(({ planId, head }) => [planId, head]));
}

function headsOf(rows: readonly HeadRow[]): Map<string, MutableHead> {
  return new Map(rows.map(({ plan_id, sequence, revision }) => [plan_id, { sequence, revision }]));
}

function toStored({ plan_id, message_id, sequence, version, revision, body }: Row): StoredMessage {
  return { planId: plan_id, messageId: message_id, sequence, version, revision, body };
}
