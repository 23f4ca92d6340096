import type { DatabaseSync, StatementSync } from 'node:sqlite';
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
import { inTransaction, translateErrors } from './database.ts';
import type { DatabaseFile } from './databaseFile.ts';
import type { SqlitePlans } from './sqlitePlans.ts';

const row = 'h.plan_id, r.state, r.owner, r.fence, r.request, r.answer, r.cancel_requested';
const thePlan = 'plan = (SELECT plan FROM heads WHERE plan_id = ?1)';
const isHeld = `${thePlan} AND fence = ?2 AND state = 'working' AND owner IS NOT NULL`;

/** Transactions hold the write lock from their start, so what one has read stays so until it writes. */
export class SqliteRuns implements RunRecords {
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #plans: SqlitePlans;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #ofOwner: StatementSync;
  readonly #free: StatementSync;
  readonly #toCancel: StatementSync;
  readonly #join: StatementSync;
  readonly #beat: StatementSync;
  readonly #owner: StatementSync;
  readonly #owners: StatementSync;
  readonly #bury: StatementSync;
  readonly #leave: StatementSync;
  readonly #setFree: StatementSync;
  readonly #take: StatementSync;
  readonly #held: StatementSync;
  readonly #ask: StatementSync;
  readonly #answer: StatementSync;
  readonly #end: StatementSync;
  readonly #cancel: StatementSync;

  constructor(db: DatabaseSync, file: DatabaseFile, plans: SqlitePlans) {
    this.#db = db;
    this.#file = file;
    this.#plans = plans;
    this.#insert = db.prepare(
      `INSERT INTO runs (plan, state, owner, fence, cancel_requested)
       SELECT plan, 'working', ?, 1, 0 FROM heads WHERE plan_id = ?`,
    );
    this.#find = db.prepare(`SELECT ${row} FROM heads h JOIN runs r ON r.plan = h.plan WHERE h.plan_id = ?`);
    // CROSS JOIN: read in this order, from the few runs there are to the plans they are of.
    this.#ofOwner = db.prepare(
      `SELECT ${row} FROM runs r CROSS JOIN heads h ON h.plan = r.plan WHERE r.owner = ? ORDER BY r.plan`,
    );
    this.#free = db.prepare(
      `SELECT h.plan_id FROM runs r CROSS JOIN plans p ON p.plan = r.plan CROSS JOIN heads h ON h.plan = r.plan
       WHERE r.state = 'working' AND r.owner IS NULL AND p.team_id IN (SELECT value FROM json_each(?))
       ORDER BY r.plan LIMIT ?`,
    );
    this.#toCancel = db.prepare(
      `SELECT h.plan_id FROM runs r CROSS JOIN heads h ON h.plan = r.plan
       WHERE r.owner = ? AND r.cancel_requested = 1 ORDER BY r.plan`,
    );
    this.#join = db.prepare(
      'INSERT INTO run_owners (owner, beat) VALUES (?, 0) ON CONFLICT (owner) DO UPDATE SET beat = 0',
    );
    this.#beat = db.prepare('UPDATE run_owners SET beat = beat + 1 WHERE owner = ?');
    this.#owner = db.prepare('SELECT beat FROM run_owners WHERE owner = ?');
    this.#owners = db.prepare('SELECT owner, beat FROM run_owners ORDER BY owner');
    this.#bury = db.prepare('DELETE FROM run_owners WHERE owner = ? AND beat = ?');
    this.#leave = db.prepare('DELETE FROM run_owners WHERE owner = ?');
    this.#setFree = db.prepare('UPDATE runs SET owner = NULL WHERE owner = ?');
    this.#take = db.prepare(`UPDATE runs SET state = 'working', owner = ?2, fence = fence + 1 WHERE ${thePlan}`);
    this.#held = db.prepare(`SELECT 1 FROM runs WHERE ${isHeld}`);
    this.#ask = db.prepare(
      `UPDATE runs SET state = 'waiting', owner = NULL, request = ?3, answer = NULL
       WHERE ${isHeld} AND cancel_requested = 0`,
    );
    this.#answer = db.prepare(`UPDATE runs SET answer = ?2 WHERE ${thePlan}`);
    this.#end = db.prepare(`UPDATE runs SET state = 'ended', owner = NULL WHERE ${isHeld}`);
    this.#cancel = db.prepare(`UPDATE runs SET cancel_requested = 1 WHERE ${thePlan}`);
  }

  async begin(plan: NewPlan, owner: string): Promise<Plan> {
    return this.#write('cannot begin the run', () => {
      this.#checkJoined(owner);
      const begun = this.#plans.insert(plan);
      this.#insert.run(owner, plan.planId);
      return begun;
    });
  }

  async find(planId: string): Promise<RunRecord | undefined> {
    return this.#read('cannot read the run', () => this.#record(planId));
  }

  async join(owner: string): Promise<void> {
    this.#write('cannot join', () => this.#join.run(owner));
  }

  async beat(owner: string): Promise<boolean> {
    return this.#write('cannot write the beat', () => this.#beat.run(owner).changes === 1);
  }

  async owners(): Promise<readonly RunOwner[]> {
    return this.#read('cannot read the owners of runs', () =>
      (this.#owners.all() as unknown as RunOwner[]).map(({ owner, beat }) => ({ owner, beat })),
    );
  }

  async bury(owner: string, beat: number): Promise<boolean> {
    return this.#write('cannot free the runs of an owner', () => {
      if (this.#bury.run(owner, beat).changes === 0) return false;
      this.#setFree.run(owner);
      return true;
    });
  }

  async leave(owner: string): Promise<void> {
    this.#write('cannot leave', () => {
      if (this.#leave.run(owner).changes === 1) this.#setFree.run(owner);
    });
  }

  async take(owner: string, teamIds: readonly string[], limit: number): Promise<readonly RunRecord[]> {
    return this.#write('cannot take runs', () => {
      this.#checkJoined(owner);
      const teams = JSON.stringify(teamIds.map((teamId) => JSON.stringify(teamId)));
      const free = this.#free.all(teams, limit) as unknown as { plan_id: string }[];
      return free.map(({ plan_id }) => this.#taken(plan_id, owner));
    });
  }

  async held(owner: string): Promise<readonly RunRecord[]> {
    return this.#read('cannot read the runs of an owner', () =>
      (this.#ofOwner.all(owner) as unknown as RunRow[]).map(toRunRecord),
    );
  }

  async change({ planId, fence }: HeldRun, change: RunChange): Promise<boolean> {
    return this.#write('cannot change the plan of a run', () => {
      return this.#held.get(planId, fence) !== undefined && this.#plans.update(planId, change);
    });
  }

  async ask({ planId, fence }: HeldRun, request: RunRequest, status: PlanStatus, updatedAt: string): Promise<boolean> {
    return this.#write('cannot store the question of a run', () => {
      if (this.#ask.run(planId, fence, JSON.stringify(request)).changes === 0) {
        return isAsked(this.#record(planId), fence, request);
      }
      return this.#plans.update(planId, { status, updatedAt });
    });
  }

  async answer(
    planId: string,
    answer: RunAnswer,
    owner: string,
    status: PlanStatus,
    updatedAt: string,
  ): Promise<Answered> {
    return this.#write('cannot store the answer to a run', () => {
      const judged = judgeAnswer(this.#record(planId), answer);
      if (judged.outcome !== 'counts') return judged;
      this.#checkJoined(owner);
      this.#answer.run(planId, JSON.stringify(answer));
      this.#plans.update(planId, { status, updatedAt });
      return { outcome: 'taken', run: this.#taken(planId, owner) };
    });
  }

  async end({ planId, fence }: HeldRun, status: PlanStatus, updatedAt: string): Promise<boolean> {
    return this.#write('cannot end the run', () => {
      if (this.#end.run(planId, fence).changes === 0) return isEnded(this.#record(planId), fence);
      return this.#plans.update(planId, { status, updatedAt });
    });
  }

  async cancel(planId: string, owner: string): Promise<Canceled | undefined> {
    return this.#write('cannot cancel the run', () => {
      const run = this.#record(planId);
      if (run === undefined) return undefined;
      if (run.state === 'ended') return { outcome: 'ended' };
      this.#cancel.run(planId);
      if (run.owner !== undefined) return { outcome: 'noted' };
      this.#checkJoined(owner);
      return { outcome: 'taken', run: this.#taken(planId, owner) };
    });
  }

  async toCancel(owner: string): Promise<readonly string[]> {
    return this.#read('cannot read the runs of an owner', () =>
      (this.#toCancel.all(owner) as unknown as { plan_id: string }[]).map(({ plan_id }) => plan_id),
    );
  }

  #record(planId: string): RunRecord | undefined {
    const found = this.#find.get(planId) as unknown as RunRow | undefined;
    return found === undefined ? undefined : toRunRecord(found);
  }

  #taken(planId: string, owner: string): RunRecord {
    this.#take.run(planId, owner);
    return this.#record(planId) as RunRecord;
  }

  #checkJoined(owner: string): void {
    if (this.#owner.get(owner) === undefined) throw notJoined(owner);
  }

  #read<T>(what: string, action: () => T): T {
    this.#file.check();
    return translateErrors(what, action);
  }

  #write<T>(what: string, action: () => T): T {
    this.#file.check();
    return inTransaction(this.#db, what, action);
  }
}
