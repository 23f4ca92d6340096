import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { Faults, ManualClock, withFaults } from 'indelible/testing';
import { describe, expect, test } from 'vitest';
import { Runner, type StartedRun, type Task } from '../../src/runs/runner.ts';
import type { Store } from '../../src/store/store.ts';
import { temporaryLog } from './temporaryLog.ts';

describe('a run whose plan cannot be stored at once', () => {
  test('starts when another process has let go of the database', async () => {
    const { indelible, file } = temporaryLog();
    const { runner, runs } = counting(indelible);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const starting = runner.start({ description: 'Wait a little' });
    starting.catch(() => {});
    await turn(); // Time in which a runner that does not wait would have failed.
    other.exec('COMMIT');
    other.close();
    expect(await (await starting).ended).toBe('completed');
    expect(runs()).toBe(1);
  });

  test('is refused while somebody could still wait for the answer, and asked for more than once', async () => {
    const { start, clock, faults, runs } = flaky();
    let tries = 0;
    faults.script = ({ name }) => {
      if (name !== 'runs.begin') return 'none';
      tries++;
      return 'unavailable';
    };
    await expect(start({ description: 'In vain' })).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(tries).toBeGreaterThan(2);
    expect(clock.monotonic()).toBeLessThanOrEqual(900);
    expect(runs()).toBe(0);
  });

  test.each<[string, Task]>([
    ['', { description: 'Once' }],
    [', also under an id that was given', { description: 'Once', planId: 'p' }],
  ])('starts once, where it was stored and only the answer was lost%s', async (_name, task) => {
    const { start, faults, store, runs } = flaky();
    let creations = 0;
    faults.script = ({ name }) => (name === 'runs.begin' && creations++ === 0 ? 'answer_lost' : 'none');
    const { plan, ended } = await start(task);
    expect(await ended).toBe('completed');
    expect(await store.plans.list({ limit: 9 })).toMatchObject([{ planId: plan.planId, status: 'completed' }]);
    expect(runs()).toBe(1);
  });

  test.each<[string, Partial<Task>]>([
    ['equals it, where no id of it was made here', { description: 'Mine', sessionId: 's' }],
    ['is another', { description: 'Mine' }],
  ])('does not take for its own a plan that %s', async (_name, members) => {
    const { start, faults, store, clock, runs } = flaky();
    let creations = 0;
    faults.script = async ({ name }) => {
      if (name !== 'runs.begin' || creations++ > 0) return 'none';
      await store.plans.create({
        planId: 'p',
        sessionId: 's',
        userId: '00000000-0000-0000-0000-000000000000',
        teamId: 'team',
        description: 'Mine',
        status: 'in_progress',
        createdAt: new Date(clock.now()).toISOString(),
      });
      return 'unavailable';
    };
    await expect(start({ description: 'Mine', planId: 'p', ...members })).rejects.toMatchObject({
      code: 'plan_exists',
    });
    expect(runs()).toBe(0);
  });

  test('is given up when the runner is closed', async () => {
    const { runner, clock, faults, runs } = flaky();
    faults.refuse();
    const starting = runner.start({ description: 'Too late' });
    starting.catch(() => {});
    await turn(); // The first try has failed.
    const closing = runner.close();
    faults.heal();
    clock.advance(1_000);
    await expect(starting).rejects.toMatchObject({ code: 'store_unavailable' });
    await closing;
    expect(runs()).toBe(0);
  });
});

function counting(indelible: ConstructorParameters<typeof Runner>[0]) {
  let runs = 0;
  const runner = new Runner(indelible, [
    {
      id: 'team',
      name: 'team',
      description: '',
      agents: [],
      run: async () => {
        runs++;
        return { agentName: 'Ann', content: 'Done.' };
      },
    },
  ]);
  return { runner, runs: () => runs };
}

/** A runner on a store with faults; whoever starts a run lets time pass until it has started or was refused. */
function flaky() {
  const clock = new ManualClock();
  const faults = new Faults(clock);
  let inner: Store | undefined;
  const { indelible } = temporaryLog({ clock }, (store) => {
    inner = store;
    return withFaults(store, faults).store;
  });
  const { runner, runs } = counting(indelible);
  const start = async (task: Task): Promise<StartedRun> => {
    let settled = false;
    const starting = runner.start(task).finally(() => {
      settled = true;
    });
    starting.catch(() => {});
    for (let passed = 0; !settled && passed < 5_000; passed++) {
      await turn();
      if (!settled) clock.advance(1);
    }
    return await starting;
  };
  return { runner, start, clock, faults, store: inner as Store, runs };
}
