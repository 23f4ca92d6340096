import type { Pool, PoolClient } from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Plan, PlanStatus, PlanStep } from '../../protocol/plan.ts';
import type { NewPlan, PlanChange, PlanFilter, PlanRecords } from '../planRecords.ts';
import { inTransaction, query, translated, withConnection } from './connection.ts';

interface Row {
  readonly plan_id: string;
  readonly session_id: string | null;
  readonly user_id: string | null;
  readonly team_id: string | null;
  readonly description: string | null;
  readonly status: PlanStatus | null;
  readonly steps: string | null;
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly begun_at: Date;
  readonly sequence: number;
  readonly trimmed: number;
}

const select = `
  SELECT head.plan_id, head.sequence, head.trimmed, head.created_at AS begun_at, plan.session_id, plan.user_id, plan.team_id,
         plan.description, plan.status, plan.steps, plan.created_at, plan.updated_at
  FROM indelible.heads AS head LEFT JOIN indelible.plans AS plan USING (plan_id)`;

/** Free strings are kept as JSON text: PostgreSQL's text holds neither NUL nor lone surrogates. */
export class PostgresPlans implements PlanRecords {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async create(plan: NewPlan): Promise<Plan> {
    await translated('cannot create the plan', () => inTransaction(this.#pool, (client) => insertPlan(client, plan)));
    return (await this.find(plan.planId)) as Plan;
  }

  async change(planId: string, { status, steps, updatedAt }: PlanChange): Promise<Plan> {
    const { rowCount } = await translated('cannot change the plan', () =>
      query(
        this.#pool,
        {
          text: `UPDATE indelible.plans SET status = coalesce($2, status), steps = coalesce($3::json, steps), updated_at = $4
         WHERE plan_id = $1`,
        },
        [planId, status ?? null, steps === undefined ? null : JSON.stringify(steps), updatedAt],
      ),
    );
    const plan = rowCount === 1 ? await this.find(planId) : undefined;
    if (plan !== undefined) return plan;
    throw new IndelibleError('plan_not_found', { message: `there is no plan ${planId}`, field: 'planId' });
  }

  find(planId: string): Promise<Plan | undefined> {
    return translated('cannot read the plan', () => withConnection(this.#pool, (client) => findPlan(client, planId)));
  }

  list({ sessionId, planIds, limit }: PlanFilter): Promise<readonly Plan[]> {
    return translated('cannot list the plans', async () => {
      const values: unknown[] = [limit];
      const only: string[] = [];
      if (sessionId !== undefined) only.push(`plan.session_id = $${values.push(JSON.stringify(sessionId))}`);
      if (planIds !== undefined) only.push(`head.plan_id = ANY ($${values.push(planIds)}::text[])`);
      const where = only.length === 0 ? '' : `WHERE ${only.join(' AND ')}`;
      const text = `${select} ${where} ORDER BY head.created_at DESC, head.plan_id DESC LIMIT $1`;
      const { rows } = await query<Row>(this.#pool, { text }, values);
      return rows.map(toPlan);
    });
  }
}

/** Creates a plan in the transaction of `client`. */
export async function insertPlan(client: PoolClient, plan: NewPlan): Promise<void> {
  const { planId, sessionId, userId, teamId, description, status, createdAt } = plan;
  await client.query(
    `INSERT INTO indelible.heads (plan_id, sequence, revision, created_at) VALUES ($1, 0, 0, clock_timestamp())
     ON CONFLICT DO NOTHING`,
    [planId],
  );
  const free = [sessionId, userId, teamId, description].map((text) => JSON.stringify(text));
  const { rowCount } = await client.query(
    `INSERT INTO indelible.plans
       (plan_id, session_id, user_id, team_id, description, status, steps, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, '[]', $7, $7) ON CONFLICT DO NOTHING`,
    [planId, ...free, status, createdAt],
  );
  if (rowCount === 1) return;
  throw new IndelibleError('plan_exists', { message: `the plan ${planId} exists`, field: 'planId' });
}

export async function findPlan(client: PoolClient, planId: string): Promise<Plan | undefined> {
  const { rows } = await client.query<Row>(`${select} WHERE head.plan_id = $1`, [planId]);
  return rows.map(toPlan)[0];
}

function toPlan(row: Row): Plan {
  const free = (text: string | null): string => (text === null ? '' : (JSON.parse(text) as string));
  const begunAt = row.begun_at.toISOString();
  return {
    planId: row.plan_id,
    sessionId: free(row.session_id),
    userId: free(row.user_id),
    teamId: free(row.team_id),
    description: free(row.description),
    status: row.status ?? 'in_progress',
    steps: row.steps === null ? [] : (JSON.parse(row.steps) as PlanStep[]),
    createdAt: row.created_at ?? begunAt,
    updatedAt: row.updated_at ?? begunAt,
    messageCount: row.sequence - row.trimmed,
  };
}
