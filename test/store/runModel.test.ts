import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planStatuses } from '../../src/protocol/plan.ts';
import type { Store } from '../../src/store/store.ts';
import { answerTo, later, planOfRun, requestOf } from '../../src/testing/contract/sampleRuns.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { RunModel } from './runModel.ts';

const owner = fc.constantFrom('a', 'b', 'c');
const plan = fc.constantFrom('p', 'q', 'r');
const question = fc.constantFrom('q1', 'q2');
const status = fc.constantFrom(...planStatuses);
/** What a caller thinks a run's fence to be: most often as it is, else one it had or will have. */
const fenceOff = fc.constantFrom(0, 0, 0, 0, -1, 1);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('begin' as const), plan, owner, team: fc.constantFrom('x', 'y') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('join' as const), owner }) },
  fc.record({ kind: fc.constant('beat' as const), owner }),
  fc.record({ kind: fc.constant('bury' as const), owner, late: fc.constantFrom(0, 0, 1) }),
  fc.record({ kind: fc.constant('leave' as const), owner }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      owner,
      teams: fc.constantFrom(['x'], ['y'], ['x', 'y'], ['x', 'y'], []),
      limit: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change' as const), plan, fenceOff, status }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), plan, fenceOff, question, status }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      plan,
      owner,
      question,
      answerId: fc.constantFrom('a1', 'a2'),
      status,
    }),
  },
  fc.record({ kind: fc.constant('end' as const), plan, fenceOff, status }),
  fc.record({ kind: fc.constant('cancel' as const), plan, owner }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a call answers, or the code it throws. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) throw error;
    return { code };
  }
}

describe.each(storesUnderTest)('Runs on $name, against a model', { timeout: 120_000 }, (kind) => {
  let database: Database;
  let stores: [Store, Store];
  beforeEach(async () => {
    database = await kind.create();
    stores = [await database.open(), await database.open()];
  });
  afterEach(() => database.drop());

  it('answer and become what the model says, whatever three owners call in whatever order', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.nat(1)), { minLength: 30, maxLength: 80, size: 'max' }),
        async (steps) => {
          const own = ++round;
          const model = new RunModel();
          for (const [now, place] of steps) await take(now, stores[place] as Store, model, own);
          for (const name of model.owners.keys()) await stores[0].runs.leave(name);
        },
      ),
      { numRuns: kind.name === 'sqlite' ? 60 : 15 },
    );
  });
});

/** Every round has owners, plans and teams of its own, in one database. */
async function take(now: Step, store: Store, model: RunModel, round: number): Promise<void> {
  const named = (name: string) => `${name}${round}`;
  const { runs } = store;
  const answers = async (call: () => unknown, expected: () => unknown) => {
    expect({ now, answer: await outcome(call) }).toEqual({ now, answer: await outcome(expected) });
  };
  const by = 'owner' in now ? named(now.owner) : '';
  const planId = 'plan' in now ? named(now.plan) : '';
  const held = { planId, fence: (model.find(planId)?.fence ?? 1) + ('fenceOff' in now ? now.fenceOff : 0) };
  if (now.kind === 'begin') {
    const team = named(now.team);
    const created = planOfRun(planId, { teamId: team, status: 'pending' });
    await answers(
      async () => void (await runs.begin(created, by)),
      () => model.begin(planId, team, by),
    );
  } else if (now.kind === 'join') {
    await runs.join(by);
    model.owners.set(by, 0);
  } else if (now.kind === 'beat') {
    await answers(
      () => runs.beat(by),
      () => model.beat(by),
    );
  } else if (now.kind === 'bury') {
    const seen = (model.owners.get(by) ?? 0) - now.late;
    await answers(
      () => runs.bury(by, seen),
      () => model.bury(by, seen),
    );
  } else if (now.kind === 'leave') {
    await runs.leave(by);
    model.leave(by);
  } else if (now.kind === 'take') {
    const teams = now.teams.map(named);
    await answers(
      () => runs.take(by, teams, now.limit),
      () => model.take(by, teams, now.limit),
    );
  } else if (now.kind === 'change') {
    await answers(
      () => runs.change(held, { status: now.status, updatedAt: later }),
      () => model.change(held, now.status),
    );
  } else if (now.kind === 'ask') {
    const request = requestOf(now.question);
    await answers(
      () => runs.ask(held, request, now.status, later),
      () => model.ask(held, request, now.status),
    );
  } else if (now.kind === 'answer') {
    const answer = answerTo(now.question, now.answerId);
    await answers(
      () => runs.answer(planId, answer, by, now.status, later),
      () => model.answer(planId, answer, by, now.status),
    );
  } else if (now.kind === 'end') {
    await answers(
      () => runs.end(held, now.status, later),
      () => model.end(held, now.status),
    );
  } else {
    await answers(
      () => runs.cancel(planId, by),
      () => model.cancel(planId, by),
    );
  }
  for (const name of ['p', 'q', 'r'].map(named)) {
    expect({ now, run: await runs.find(name) }).toEqual({ now, run: model.find(name) });
    expect((await store.plans.find(name))?.status).toBe(model.statuses.get(name));
  }
  const alive = (await runs.owners()).filter((one) => one.owner.slice(1) === String(round));
  expect(new Map(alive.map((one) => [one.owner, one.beat]))).toEqual(model.owners);
  for (const name of ['a', 'b', 'c'].map(named)) {
    const held = model.held(name);
    expect(await runs.held(name)).toEqual(held);
    const canceled = held.filter(({ cancelRequested }) => cancelRequested).map((run) => run.planId);
    expect([...(await runs.toCancel(name))].toSorted()).toEqual(canceled.toSorted());
  }
}
