import type { Pool, PoolClient } from 'pg';
import type { Plan, PlanStatus } from '../../protocol/plan.ts';
import type { NewPlan } from '../planRecords.ts';
import { isAsked, isEnded, judgeAnswer, notJoined, type RunRow, toRunRecord } from '../runDecisions.ts';
import type {
  Answered,
  Canceled,
  HeldRun,
  RunAnswer,
  RunChange,
  RunOwner,
  RunRecord,
  RunRecords,
  RunRequest,
} from '../runRecords.ts';
import { inTransaction, query, type Statement, translated } from './connection.ts';
import { findPlan, insertPlan } from './postgresPlans.ts';

const row = 'run.plan_id, run.state, run.owner, run.fence, run.request, run.answer, run.cancel_requested';

/** $1 owner. Until the transaction ends it cannot be buried and cannot leave; its beats go on. */
const lockOwner = {
  name: 'indelible_lock_run_owner',
  text: 'SELECT FROM indelible.run_owners WHERE owner = $1 FOR KEY SHARE',
};

/** $1 plan id. */
const find = { name: 'indelible_run', text: `SELECT ${row} FROM indelible.runs AS run WHERE plan_id = $1` };
const lock = { name: 'indelible_lock_run', text: `${find.text} FOR UPDATE` };

/** $1 plan id, $2 team id, $3 owner. It is as old as its plan. */
const insert = {
  text: `
  INSERT INTO indelible.runs (plan_id, team_id, begun_at, state, owner, fence, cancel_requested)
  SELECT plan_id, $2, created_at, 'working', $3, 1, false FROM indelible.heads WHERE plan_id = $1`,
};

/** $1 plan ids, $2 owner. Their rows are locked, and free. */
const take = {
  name: 'indelible_take_runs',
  text: `
  UPDATE indelible.runs AS run SET state = 'working', owner = $2, fence = fence + 1
  WHERE plan_id = ANY ($1::text[]) RETURNING ${row}`,
};

/** $1 team ids, $2 limit. What another one is just taking is left to it. */
const lockFree = {
  name: 'indelible_lock_free_runs',
  text: `
  SELECT plan_id FROM indelible.runs WHERE state = 'working' AND owner IS NULL AND team_id = ANY ($1::text[])
  ORDER BY begun_at, plan_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
};

/** $1 owner. */
const ofOwner = {
  name: 'indelible_runs_of_owner',
  text: `SELECT ${row} FROM indelible.runs AS run WHERE owner = $1 ORDER BY begun_at, plan_id`,
};
const toCancel = {
  name: 'indelible_runs_to_cancel',
  text: 'SELECT plan_id FROM indelible.runs WHERE owner = $1 AND cancel_requested',
};
const join = {
  text: 'INSERT INTO indelible.run_owners (owner, beat) VALUES ($1, 0) ON CONFLICT (owner) DO UPDATE SET beat = 0',
};
const beat = { name: 'indelible_beat', text: 'UPDATE indelible.run_owners SET beat = beat + 1 WHERE owner = $1' };
const owners = { name: 'indelible_run_owners', text: 'SELECT owner, beat FROM indelible.run_owners' };
const remove = { text: 'DELETE FROM indelible.run_owners WHERE owner = $1' };
const setFree = { text: 'UPDATE indelible.runs SET owner = NULL WHERE owner = $1' };

/** $1 owner, $2 beat. */
const removeAt = { text: 'DELETE FROM indelible.run_owners WHERE owner = $1 AND beat = $2' };

/** $1 plan id, $2 fence. */
const isHeld = `plan_id = $1 AND fence = $2 AND state = 'working' AND owner IS NOT NULL`;

/** Changes a plan if `held`, which locks its run until the commit, answers a row. */
function whileHeld(held: string, changes: string): string {
  return `WITH held AS MATERIALIZED (${held})
  UPDATE indelible.plans AS plan SET ${changes} FROM held WHERE plan.plan_id = held.plan_id`;
}

/** $1 plan id, $2 fence, $3 status, $4 steps, $5 when. */
const change = {
  name: 'indelible_change_run',
  text: whileHeld(
    `SELECT plan_id FROM indelible.runs WHERE ${isHeld} FOR UPDATE`,
    'status = coalesce($3, status), steps = coalesce($4::json, steps), updated_at = $5',
  ),
};

/** $1 plan id, $2 fence, $3 status, $4 when, $5 request. */
const ask = {
  name: 'indelible_ask',
  text: whileHeld(
    `UPDATE indelible.runs SET state = 'waiting', owner = NULL, request = $5, answer = NULL
     WHERE ${isHeld} AND NOT cancel_requested RETURNING plan_id`,
    'status = $3, updated_at = $4',
  ),
};

/** $1 plan id, $2 fence, $3 status, $4 when. */
const end = {
  name: 'indelible_end_run',
  text: whileHeld(
    `UPDATE indelible.runs SET state = 'ended', owner = NULL WHERE ${isHeld} RETURNING plan_id`,
    'status = $3, updated_at = $4',
  ),
};

/** $1 plan id, $2 answer, $3 status, $4 when. */
const answer = {
  name: 'indelible_answer',
  text: whileHeld(
    'UPDATE indelible.runs SET answer = $2 WHERE plan_id = $1 RETURNING plan_id',
    'status = $3, updated_at = $4',
  ),
};
const cancel = { text: 'UPDATE indelible.runs SET cancel_requested = true WHERE plan_id = $1' };

/**
 * Rows are locked in one order, so that no two calls wait for each other in a circle: the owner, its runs, their plans.
 * Whoever makes an owner the owner of a run holds the owner's row until the commit, so that who buries it, later, frees
 * that run too.
 */
export class PostgresRuns implements RunRecords {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  begin(plan: NewPlan, owner: string): Promise<Plan> {
    return this.#transaction('cannot begin the run', async (client) => {
      await lockJoined(client, owner);
      await insertPlan(client, plan);
      await run(client, insert, [plan.planId, JSON.stringify(plan.teamId), owner]);
      return (await findPlan(client, plan.planId)) as Plan;
    });
  }

  find(planId: string): Promise<RunRecord | undefined> {
    return translated('cannot read the run', async () => {
      const { rows } = await query<RunRow>(this.#pool, find, [planId]);
      return rows.map(toRunRecord)[0];
    });
  }

  async join(owner: string): Promise<void> {
    await translated('cannot join', () => query(this.#pool, join, [owner]));
  }

  beat(owner: string): Promise<boolean> {
    return translated('cannot write the beat', async () => (await query(this.#pool, beat, [owner])).rowCount === 1);
  }

  owners(): Promise<readonly RunOwner[]> {
    return translated('cannot read the owners of runs', async () => {
      const { rows } = await query<{ owner: string; beat: number }>(this.#pool, owners);
      return rows;
    });
  }

  bury(owner: string, seen: number): Promise<boolean> {
    return this.#transaction('cannot free the runs of an owner', async (client) => {
      if ((await run(client, removeAt, [owner, seen])).rowCount === 0) return false;
      await run(client, setFree, [owner]);
      return true;
    });
  }

  leave(owner: string): Promise<void> {
    return this.#transaction('cannot leave', async (client) => {
      if ((await run(client, remove, [owner])).rowCount === 1) await run(client, setFree, [owner]);
    });
  }

  take(owner: string, teamIds: readonly string[], limit: number): Promise<readonly RunRecord[]> {
    return this.#transaction('cannot take runs', async (client) => {
      await lockJoined(client, owner);
      const teams = teamIds.map((teamId) => JSON.stringify(teamId));
      const free = (await run<RunRow>(client, lockFree, [teams, limit])).rows.map(({ plan_id }) => plan_id);
      if (free.length === 0) return [];
      const { rows } = await run<RunRow>(client, take, [free, owner]);
      return rows.toSorted((a, b) => free.indexOf(a.plan_id) - free.indexOf(b.plan_id)).map(toRunRecord);
    });
  }

  held(owner: string): Promise<readonly RunRecord[]> {
    return translated('cannot read the runs of an owner', async () => {
      const { rows } = await query<RunRow>(this.#pool, ofOwner, [owner]);
      return rows.map(toRunRecord);
    });
  }

  change({ planId, fence }: HeldRun, { status, steps, updatedAt }: RunChange): Promise<boolean> {
    return translated('cannot change the plan of a run', async () => {
      const encodedSteps = steps === undefined ? null : JSON.stringify(steps);
      const values = [planId, fence, status ?? null, encodedSteps, updatedAt];
      return (await query(this.#pool, change, values)).rowCount === 1;
    });
  }

  ask({ planId, fence }: HeldRun, request: RunRequest, status: PlanStatus, updatedAt: string): Promise<boolean> {
    return translated('cannot store the question of a run', async () => {
      const values = [planId, fence, status, updatedAt, JSON.stringify(request)];
      return (await query(this.#pool, ask, values)).rowCount === 1 || isAsked(await this.find(planId), fence, request);
    });
  }

  answer(planId: string, given: RunAnswer, owner: string, status: PlanStatus, updatedAt: string): Promise<Answered> {
    return this.#transaction('cannot store the answer to a run', async (client) => {
      const hasJoined = await lockOwnerOf(client, owner);
      const judged = judgeAnswer(await locked(client, planId), given);
      if (judged.outcome !== 'counts') return judged;
      if (!hasJoined) throw notJoined(owner);
      await run(client, answer, [planId, JSON.stringify(given), status, updatedAt]);
      return { outcome: 'taken', run: await taken(client, planId, owner) };
    });
  }

  end({ planId, fence }: HeldRun, status: PlanStatus, updatedAt: string): Promise<boolean> {
    return translated('cannot end the run', async () => {
      const { rowCount } = await query(this.#pool, end, [planId, fence, status, updatedAt]);
      return rowCount === 1 || isEnded(await this.find(planId), fence);
    });
  }

  cancel(planId: string, owner: string): Promise<Canceled | undefined> {
    return this.#transaction('cannot cancel the run', async (client) => {
      const hasJoined = await lockOwnerOf(client, owner);
      const found = await locked(client, planId);
      if (found === undefined) return undefined;
      if (found.state === 'ended') return { outcome: 'ended' };
      await run(client, cancel, [planId]);
      if (found.owner !== undefined) return { outcome: 'noted' };
      if (!hasJoined) throw notJoined(owner);
      return { outcome: 'taken', run: await taken(client, planId, owner) };
    });
  }

  toCancel(owner: string): Promise<readonly string[]> {
    return translated('cannot read the runs of an owner', async () => {
      const { rows } = await query<{ plan_id: string }>(this.#pool, toCancel, [owner]);
      return rows.map(({ plan_id }) => plan_id);
    });
  }

  #transaction<T>(what: string, action: (client: PoolClient) => Promise<T>): Promise<T> {
    return translated(what, () => inTransaction(this.#pool, action));
  }
}

function run<R extends object>(client: PoolClient, statement: Statement, values: unknown[]) {
  return client.query<R & Record<string, unknown>>({ ...statement, values });
}

async function lockOwnerOf(client: PoolClient, owner: string): Promise<boolean> {
  return (await run(client, lockOwner, [owner])).rowCount === 1;
}

async function lockJoined(client: PoolClient, owner: string): Promise<void> {
  if (!(await lockOwnerOf(client, owner))) throw notJoined(owner);
}

async function locked(client: PoolClient, planId: string): Promise<RunRecord | undefined> {
  const { rows } = await run<RunRow>(client, lock, [planId]);
  return rows.map(toRunRecord)[0];
}

async function taken(client: PoolClient, planId: string, owner: string): Promise<RunRecord> {
  const { rows } = await run<RunRow>(client, take, [[planId], owner]);
  return rows.map(toRunRecord)[0] as RunRecord;
}
