import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Plan, PlanStatus, PlanStep } from '../../protocol/plan.ts';
import type { NewPlan, PlanChange, PlanFilter, PlanRecords } from '../planRecords.ts';
import { inTransaction, translateErrors } from './database.ts';
import type { DatabaseFile } from './databaseFile.ts';

interface Row {
  readonly plan_id: string;
  readonly session_id: string | null;
  readonly user_id: string | null;
  readonly team_id: string | null;
  readonly description: string | null;
  readonly status: PlanStatus | null;
  readonly steps: string | null;
  readonly created_at: string;
  readonly updated_at: string | null;
  readonly sequence: number;
  readonly trimmed: number;
}

const select = `
  SELECT h.plan_id, h.sequence, h.trimmed, p.session_id, p.user_id, p.team_id, p.description, p.status, p.steps,
         coalesce(p.created_at, h.created_at) AS created_at, p.updated_at
  FROM heads h LEFT JOIN plans p ON p.plan = h.plan`;

/** Free strings are kept as JSON text, which is valid UTF-8 whatever they hold. */
export class SqlitePlans implements PlanRecords {
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #head: StatementSync;
  readonly #insert: StatementSync;
  readonly #change: StatementSync;
  readonly #one: StatementSync;
  readonly #all: StatementSync;
  readonly #ofSession: StatementSync;
  readonly #ofIds: StatementSync;

  constructor(db: DatabaseSync, file: DatabaseFile) {
    this.#db = db;
    this.#file = file;
    this.#head = db.prepare(
      `INSERT INTO heads (plan_id, sequence, revision, created_at) VALUES (?, 0, 0, ?) ON CONFLICT DO NOTHING`,
    );
    this.#insert = db.prepare(
      `INSERT INTO plans (plan, session_id, user_id, team_id, description, status, steps, created_at, updated_at)
       SELECT plan, ?, ?, ?, ?, ?, '[]', ?, ? FROM heads WHERE plan_id = ? ON CONFLICT (plan) DO NOTHING`,
    );
    this.#change = db.prepare(
      `UPDATE plans SET status = coalesce(?, status), steps = coalesce(?, steps), updated_at = ?
       WHERE plan = (SELECT plan FROM heads WHERE plan_id = ?)`,
    );
    this.#one = db.prepare(`${select} WHERE h.plan_id = ?`);
    this.#all = db.prepare(`${select} ORDER BY h.plan DESC LIMIT ?`);
    this.#ofSession = db.prepare(`${select} WHERE p.session_id = ? ORDER BY h.plan DESC LIMIT ?`);
    this.#ofIds = db.prepare(
      `${select} WHERE h.plan_id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR p.session_id = ?2)
       ORDER BY h.plan DESC LIMIT ?3`,
    );
  }

  async create(plan: NewPlan): Promise<Plan> {
    this.#file.check();
    return inTransaction(this.#db, 'cannot create the plan', () => this.insert(plan));
  }

  /** Creates the plan in the transaction it is called in. */
  insert(plan: NewPlan): Plan {
    this.#head.run(plan.planId, plan.createdAt);
    const free = [plan.sessionId, plan.userId, plan.teamId, plan.description].map((text) => JSON.stringify(text));
    const values: SQLInputValue[] = [...free, plan.status, plan.createdAt, plan.createdAt, plan.planId];
    if (this.#insert.run(...values).changes === 1) return this.#find(plan.planId) as Plan;
    throw new IndelibleError('plan_exists', { message: `the plan ${plan.planId} exists`, field: 'planId' });
  }

  async change(planId: string, change: PlanChange): Promise<Plan> {
    this.#file.check();
    return inTransaction(this.#db, 'cannot change the plan', () => {
      if (this.update(planId, change)) return this.#find(planId) as Plan;
      throw new IndelibleError('plan_not_found', { message: `there is no plan ${planId}`, field: 'planId' });
    });
  }

  /** Changes the plan in the transaction it is called in. Answers whether it is there. */
  update(planId: string, { status, steps, updatedAt }: PlanChange): boolean {
    const encodedSteps = steps === undefined ? null : JSON.stringify(steps);
    return this.#change.run(status ?? null, encodedSteps, updatedAt, planId).changes === 1;
  }

  async find(planId: string): Promise<Plan | undefined> {
    this.#file.check();
    return translateErrors('cannot read the plan', () => this.#find(planId));
  }

  async list({ sessionId, planIds, limit }: PlanFilter): Promise<readonly Plan[]> {
    this.#file.check();
    return translateErrors('cannot list the plans', () => {
      const session = sessionId === undefined ? null : JSON.stringify(sessionId);
      const rows =
        planIds !== undefined
          ? this.#ofIds.all(JSON.stringify(planIds), session, limit)
          : session === null
            ? this.#all.all(limit)
            : this.#ofSession.all(session, limit);
      return (rows as unknown as Row[]).map(toPlan);
    });
  }

  #find(planId: string): Plan | undefined {
    const row = this.#one.get(planId) as unknown as Row | undefined;
    return row === undefined ? undefined : toPlan(row);
  }
}

function toPlan(row: Row): Plan {
  const free = (text: string | null): string => (text === null ? '' : (JSON.parse(text) as string));
  return {
    planId: row.plan_id,
    sessionId: free(row.session_id),
    userId: free(row.user_id),
    teamId: free(row.team_id),
    description: free(row.description),
    status: row.status ?? 'in_progress',
    steps: row.steps === null ? [] : (JSON.parse(row.steps) as PlanStep[]),
    createdAt: row.created_at,
    updatedAt: row.updated_at ?? row.created_at,
    messageCount: row.sequence - row.trimmed,
  };
}
