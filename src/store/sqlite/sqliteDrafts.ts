import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Draft } from '../../protocol/draft.ts';
import type { DraftKey, DraftRecords, DraftTouch, OwnedDraft } from '../draftRecords.ts';
import { inTransaction, translateErrors } from './database.ts';
import type { DatabaseFile } from './databaseFile.ts';
import { fromMessageKey, type MessageKey, toMessageKey } from './messageKey.ts';
import type { RecordChanges } from './recordChanges.ts';

interface Row {
  readonly plan_id: string;
  readonly draft_id: MessageKey;
  readonly agent_name: string;
  readonly text: string;
  readonly updated_at: string;
}

interface TouchRow {
  readonly plan_id: string;
  readonly draft_id: MessageKey;
  readonly owner: string;
  readonly touched_at: string;
}

/** Draft ids are kept as the ids of the messages they become. Free strings are JSON text, which is valid UTF-8. */
export class SqliteDrafts implements DraftRecords {
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #changes: RecordChanges;
  readonly #put: StatementSync;
  readonly #touch: StatementSync;
  readonly #remove: StatementSync;
  readonly #ofPlan: StatementSync;
  readonly #abandoned: StatementSync;

  constructor(db: DatabaseSync, file: DatabaseFile, changes: RecordChanges) {
    this.#db = db;
    this.#file = file;
    this.#changes = changes;
    this.#put = db.prepare(
      `INSERT INTO drafts (plan_id, draft_id, owner, agent_name, text, updated_at, touched_at, changed)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
       ON CONFLICT (plan_id, draft_id) DO UPDATE SET
         owner = excluded.owner, agent_name = excluded.agent_name, text = excluded.text,
         updated_at = excluded.updated_at, touched_at = excluded.touched_at, changed = excluded.changed`,
    );
    this.#touch = db.prepare('UPDATE drafts SET touched_at = ? WHERE owner = ?');
    this.#remove = db.prepare('DELETE FROM drafts WHERE plan_id = ? AND draft_id = ?');
    // A look for a message id has to say its kind, or no index is used.
    const stored = (kind: 'blob' | 'text') => `EXISTS (
      SELECT 1 FROM messages m WHERE m.plan = h.plan AND m.message_id = d.draft_id AND typeof(m.message_id) = '${kind}'
    )`;
    this.#ofPlan = db.prepare(
      `SELECT d.plan_id, d.draft_id, d.agent_name, d.text, d.updated_at
       FROM drafts d LEFT JOIN heads h ON h.plan_id = d.plan_id
       WHERE d.plan_id = ? AND NOT ${stored('blob')} AND NOT ${stored('text')} ORDER BY d.place`,
    );
    this.#abandoned = db.prepare(
      `SELECT plan_id, draft_id, owner, touched_at FROM drafts
       WHERE touched_at < ? ORDER BY touched_at, place LIMIT ?`,
    );
  }

  async put(drafts: readonly OwnedDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    this.#write('cannot write drafts', () => {
      const change = this.#changes.next();
      for (const { planId, draftId, owner, agentName, text, updatedAt } of drafts) {
        const free = [JSON.stringify(agentName), JSON.stringify(text)] as const;
        this.#put.run(planId, toMessageKey(draftId), owner, ...free, updatedAt, change);
      }
    });
  }

  async touch(owner: string, at: string): Promise<void> {
    this.#write('cannot touch drafts', () => this.#touch.run(at, owner));
  }

  async remove(drafts: readonly DraftKey[]): Promise<void> {
    if (drafts.length === 0) return;
    this.#write('cannot remove drafts', () => {
      for (const { planId, draftId } of drafts) this.#remove.run(planId, toMessageKey(draftId));
    });
  }

  async ofPlans(planIds: readonly string[]): Promise<readonly Draft[]> {
    this.#file.check();
    return translateErrors('cannot read drafts', () =>
      [...new Set(planIds)].flatMap((planId) => (this.#ofPlan.all(planId) as unknown as Row[]).map(toDraft)),
    );
  }

  async abandoned(before: string, limit: number): Promise<readonly DraftTouch[]> {
    this.#file.check();
    return translateErrors('cannot read drafts', () =>
      (this.#abandoned.all(before, limit) as unknown as TouchRow[]).map(toTouch),
    );
  }

  #write(what: string, action: () => void): void {
    this.#file.check();
    inTransaction(this.#db, what, action);
  }
}

function toDraft({ plan_id, draft_id, agent_name, text, updated_at }: Row): Draft {
  return {
    planId: plan_id,
    draftId: fromMessageKey(draft_id),
    agentName: JSON.parse(agent_name) as string,
    text: JSON.parse(text) as string,
    updatedAt: updated_at,
  };
}

function toTouch({ plan_id, draft_id, owner, touched_at }: TouchRow): DraftTouch {
  return { planId: plan_id, draftId: fromMessageKey(draft_id), owner, touchedAt: touched_at };
}
