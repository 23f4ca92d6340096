import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { withFaults } from 'indelible/testing';
import { describe, expect, test, vi } from 'vitest';
import type { Indelible } from '../../src/agents/indelible.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { parseMessageBytes } from '../../src/protocol/messageBytes.ts';
import { Runner, type Task } from '../../src/runs/runner.ts';
import type { FinalResult, RunContext, Team } from '../../src/runs/team.ts';
import { createDemoTeam } from '../../src/runs/teams/demo.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { temporaryLog, watch } from './temporaryLog.ts';

const done: FinalResult = { agentName: 'Ann', content: 'Done.' };

function team(run: (context: RunContext) => Promise<FinalResult>, id = 'team'): Team {
  return { id, name: id, description: '', agents: [], run };
}

const obedient = team(
  ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
);

/** `Ann: text` of each message, with the type of those that are no agent message. */
async function told({ persistence }: Indelible, planId: string): Promise<string[]> {
  const messages = await persistence.getMessagesForPlan(planId);
  return messages.map(
    ({ agentName, content, type }) => `${type === 'agent_message' ? '' : `${type} `}${agentName}: ${content}`,
  );
}

describe('a run', () => {
  test('starts at once, with nobody watching, and goes on to its end', async () => {
    const { indelible } = temporaryLog();
    const seen: RunContext[] = [];
    const runner = new Runner(indelible, [
      team(async (context) => {
        seen.push(context);
        await context.say({ agentName: 'Ann', content: 'I am at it.' });
        await context.log.save({ planId: context.planId, agentName: 'Bob', content: 'So am I.' });
        return done;
      }),
    ]);
    const { plan, ended } = await runner.start({ description: 'Count to three', sessionId: 's 1', userId: 'u 1' });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      planId: plan.planId,
      description: 'Count to three',
      sessionId: 's 1',
      userId: 'u 1',
    });
    expect(plan).toMatchObject({
      status: 'in_progress',
      teamId: 'team',
      description: 'Count to three',
      sessionId: 's 1',
    });
    expect(await ended).toBe('completed');
    expect(await told(indelible, plan.planId)).toEqual([
      'Ann: I am at it.',
      'Bob: So am I.',
      'final_result_message Ann: Done.',
    ]);
    expect(await indelible.store.plans.find(plan.planId)).toMatchObject({ status: 'completed', messageCount: 3 });
  });

  test('finds its plan stored when it begins', async () => {
    const { indelible } = temporaryLog();
    let found: unknown;
    const runner = new Runner(indelible, [
      team(async ({ planId }) => {
        found = await indelible.store.plans.find(planId);
        return done;
      }),
    ]);
    const { ended, plan } = await runner.start({ description: 'Look', planId: 'plan 1' });
    await ended;
    expect(found).toEqual(plan);
    expect(plan.planId).toBe('plan 1');
  });

  test('that fails is a failed plan: what it wrote is kept, its last message says why, watchers are told', async () => {
    const { indelible, events } = temporaryLog();
    const runner = new Runner(indelible, [
      team(async ({ say }) => {
        await say({ agentName: 'Ann', content: 'So far, so good.' });
        throw new Error('the moon is in the way');
      }),
    ]);
    const seen = await watch(indelible, 'p');
    const { ended } = await runner.start({ description: 'Fail', planId: 'p' });
    expect(await ended).toBe('failed');
    expect(await told(indelible, 'p')).toEqual([
      'Ann: So far, so good.',
      'final_result_message System: The run failed: the moon is in the way',
    ]);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'failed' });
    const errors = seen.filter((one) => 'type' in one && one.type === 'error_notification');
    expect(errors).toMatchObject([
      { errorType: 'run_failed', errorMessage: 'the moon is in the way', recoverable: false },
    ]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'run_failed', planId: 'p', teamId: 'team' }));
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an object that cannot be made a text', Object.create(null)],
    ['an error whose message is a megabyte', new Error('x'.repeat(1_000_000))],
    ['half a surrogate pair', new Error('\ud800')],
  ])('ends, whatever its team throws: %s', async (_name, thrown) => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [team(() => Promise.reject(thrown))]);
    const { ended, plan } = await runner.start({ description: 'Throw' });
    expect(await ended).toBe('failed');
    const [message, ...others] = await indelible.persistence.getMessagesForPlan(plan.planId);
    expect(others).toEqual([]);
    expect(message).toMatchObject({ type: 'final_result_message', metadata: { status: 'failed' } });
    expect(message!.content.length).toBeLessThan(3_000);
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /team answered no final result/],
    ['a result without a content', { agentName: 'Ann' }, /team answered no final result/],
    ['a result of nobody', { agentName: '', content: 'Done.' }, /agentName is empty/],
    ['a result larger than a message may be', { agentName: 'Ann', content: 'x'.repeat(5_000_000) }, /limit/],
  ])('whose team answers %s has failed, and says why', async (_name, answer, reason) => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [team(async () => answer as FinalResult)]);
    const { ended, plan } = await runner.start({ description: 'Answer' });
    expect(await ended).toBe('failed');
    const messages = await indelible.persistence.getMessagesForPlan(plan.planId);
    expect(messages).toMatchObject([
      {
        type: 'final_result_message',
        agentName: 'System',
        content: expect.stringMatching(reason),
        metadata: { status: 'failed' },
      },
    ]);
  });

  test('whose last message has its id taken by an agent still ends', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [
      team(async ({ say }) => {
        await say({ messageId: 'final-p', agentName: 'Ann', content: 'Mine!' });
        return done;
      }),
    ]);
    const { ended } = await runner.start({ description: 'Clash', planId: 'p' });
    expect(await ended).toBe('failed');
    expect(await told(indelible, 'p')).toEqual(['Ann: Mine!']);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'failed' });
  });

  test.each([
    ['letters', 'a'.repeat(256)],
    ['surrogate pairs', `a${'😀'.repeat(255)}`],
  ])('may have the longest plan id there is, of %s', async (_name, planId) => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [team(async () => done)]);
    const { ended } = await runner.start({ description: 'Long', planId });
    expect(await ended).toBe('completed');
    expect(await told(indelible, planId)).toEqual(['final_result_message Ann: Done.']);
  });

  test('tells watchers its start, its progress and its end, and its last message last', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [
      team(async ({ say, progress }) => {
        progress({ currentStep: 1, totalSteps: 2, agentName: 'Ann', description: 'Thinks' });
        await say({ agentName: 'Ann', content: 'I think.' });
        return done;
      }),
    ]);
    const seen = await watch(indelible, 'p');
    const { ended } = await runner.start({ description: 'Think', planId: 'p' });
    await ended;
    expect(seen.map((one) => ('body' in one ? parseMessageBytes(one.body).content : one.type))).toEqual([
      'workflow_started',
      'progress_update',
      'I think.',
      'workflow_completed',
      'Done.',
    ]);
    expect(seen[1]).toMatchObject({ currentStep: 1, totalSteps: 2, currentAgent: 'Ann', stepDescription: 'Thinks' });
  });

  test('leaves the same messages with watchers, with watchers that fail, and without any', async () => {
    const runs = await Promise.all(
      (['nobody', 'watched', 'failing'] as const).map(async (mode) => {
        const { indelible } = temporaryLog();
        const runner = new Runner(indelible, [createDemoTeam({ pause: () => sleep(1) })]);
        const seen = mode === 'watched' ? await watch(indelible, 'p') : [];
        const fail = () => Promise.reject(new Error('the watcher is gone'));
        if (mode === 'failing') indelible.feed.subscribe('p', { sequence: 0, revision: 0 }, { messages: fail });
        await (await runner.start({ description: 'What is the same?', planId: 'p' })).ended;
        const messages = await indelible.persistence.getMessagesForPlan('p');
        if (mode === 'watched') {
          await vi.waitFor(() => expect(seen.filter((one) => 'body' in one)).toHaveLength(messages.length));
        }
        return messages.map(({ sequence, type, agentName, agentType, content, metadata }) => {
          return { sequence, type, agentName, agentType, content, metadata };
        });
      }),
    );
    expect(runs[0]!.length).toBeGreaterThan(4);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test('is one of many at a time, each with its own messages in its own order', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [
      team(async ({ say, description }) => {
        for (let line = 1; line <= 5; line++) await say({ agentName: 'Ann', content: `${description} ${line}` });
        return { agentName: 'Ann', content: description };
      }),
    ]);
    const runs = await Promise.all(
      Array.from({ length: 30 }, (_, index) => runner.start({ description: `task ${index}` })),
    );
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual(Array(30).fill('completed'));
    for (const { plan } of runs) {
      const lines = [1, 2, 3, 4, 5].map((line) => `Ann: ${plan.description} ${line}`);
      expect(await told(indelible, plan.planId)).toEqual([...lines, `final_result_message Ann: ${plan.description}`]);
    }
  });
});

describe('what cannot be started', () => {
  test.each<[string, Record<string, unknown>, object]>([
    ['without a description', {}, { code: 'invalid_request', field: 'description' }],
    ['with a description that is no text', { description: 7 }, { code: 'invalid_request', field: 'description' }],
    [
      'with a session that is no text',
      { description: 'x', sessionId: 7 },
      { code: 'invalid_request', field: 'sessionId' },
    ],
    ['with a plan id that is a path', { description: 'x', planId: '../etc' }, { code: 'invalid_id', field: 'planId' }],
    [
      'for a team that is not there',
      { description: 'x', teamId: 'ghost' },
      { code: 'team_not_found', field: 'teamId' },
    ],
  ])('is refused and leaves no plan: a task %s', async (_name, task, refusal) => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [team(async () => done)]);
    await expect(runner.start(task as unknown as Task)).rejects.toMatchObject(refusal);
    expect(await indelible.store.plans.list({ limit: 10 })).toEqual([]);
  });

  test('is refused and does not run: a plan that exists', async () => {
    const { indelible } = temporaryLog();
    let runs = 0;
    const runner = new Runner(indelible, [
      team(async () => {
        runs++;
        return done;
      }),
    ]);
    await (await runner.start({ description: 'First', planId: 'p' })).ended;
    await expect(runner.start({ description: 'Second', planId: 'p' })).rejects.toMatchObject({ code: 'plan_exists' });
    expect(runs).toBe(1);
    expect(await indelible.store.plans.find('p')).toMatchObject({ description: 'First', status: 'completed' });
  });

  test('is told by name which teams there are', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [team(async () => done, 'one'), team(async () => done, 'two')]);
    expect(runner.team(undefined).id).toBe('one');
    expect(runner.team('two').id).toBe('two');
    expect(() => runner.team('three')).toThrow(/one, two/);
  });
});

describe('while the database is away, the end of a run', () => {
  /** A store whose log takes no message of a plan that is `away`; its plans go on. */
  function flaky(away: ReadonlySet<string>): (store: Store) => Store {
    return (store) => {
      const { log } = store;
      return {
        ...store,
        log: {
          epoch: log.epoch,
          append: async (batch) => {
            if (batch.some(({ planId }) => away.has(planId))) throw new IndelibleError('store_unavailable');
            return log.append(batch);
          },
          update: (message, expectedVersion) => log.update(message, expectedVersion),
          trim: (planId, upTo) => log.trim(planId, upTo),
          find: (planId, messageId) => log.find(planId, messageId),
          read: (planId, after, limit) => log.read(planId, after, limit),
          heads: (planIds) => log.heads(planIds),
          onCommit: (listener) => log.onCommit(listener),
        },
      };
    };
  }
  const impatient = { persistence: { deadlineMs: 20 } };

  test('waits: the plan is not called completed before its last message is stored', async () => {
    const away = new Set<string>();
    const { indelible, events } = temporaryLog(impatient, flaky(away));
    const runner = new Runner(indelible, [
      team(async ({ say }) => {
        away.add('p');
        await say({ agentName: 'Ann', content: 'Into the dark.' });
        return done;
      }),
    ]);
    const { ended } = await runner.start({ description: 'Wait', planId: 'p' });
    await vi.waitFor(() =>
      expect(events).toContainEqual(expect.objectContaining({ type: 'message_late', messageId: 'final-p' })),
    );
    await sleep(200); // Time in which a runner that does not wait would have gone on.
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'in_progress', messageCount: 0 });
    expect(indelible.persistence.queued).toBe(2);
    away.delete('p');
    expect(await ended).toBe('completed');
    expect(await told(indelible, 'p')).toEqual(['Ann: Into the dark.', 'final_result_message Ann: Done.']);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'completed' });
  });

  test('waits for nothing that others save after it', async () => {
    const away = new Set(['other']);
    const oneByOne = { persistence: { deadlineMs: 20, maxBatch: 1 } };
    const { indelible, events } = temporaryLog(oneByOne, flaky(away));
    const runner = new Runner(indelible, [
      team(async () => {
        away.add('p');
        return done;
      }),
    ]);
    const { ended } = await runner.start({ description: 'Wait', planId: 'p' });
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: 'message_late' })));
    const other = indelible.save({ planId: 'other', agentName: 'Bob', content: 'Me too.' });
    away.delete('p');
    expect(await ended).toBe('completed');
    expect(await other).toMatchObject({ status: 'pending' });
    expect(indelible.persistence.queued).toBe(1);
    away.clear();
  });

  test('does not take for its own what another process stored meanwhile under the same id', async () => {
    const away = new Set<string>();
    const { indelible, events, file } = temporaryLog(impatient, flaky(away));
    const runner = new Runner(indelible, [
      team(async () => {
        away.add('p');
        return done;
      }),
    ]);
    const { ended } = await runner.start({ description: 'Wait', planId: 'p' });
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: 'message_late' })));
    const other = openSqliteStore(file);
    const theirs = { planId: 'p', messageId: 'final-p', agentName: 'Eve', content: 'Mine.' };
    await other.log.append([prepareMessage(theirs, { now: Date.now })]);
    await other.close();
    await sleep(100); // Time in which the runner sees it.
    away.delete('p');
    expect(await ended).toBe('failed');
    expect(await told(indelible, 'p')).toEqual(['Eve: Mine.']);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'failed' });
  });

  test('waits for a database that another process has locked, and for the status of its plan too', async () => {
    const { indelible, events, file } = temporaryLog(impatient);
    const other = new DatabaseSync(file);
    const runner = new Runner(indelible, [
      team(async () => {
        other.exec('BEGIN IMMEDIATE');
        return done;
      }),
    ]);
    const { ended } = await runner.start({ description: 'Wait', planId: 'p' });
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: 'message_late' })));
    other.exec('COMMIT');
    other.close();
    expect(await ended).toBe('completed');
    expect(await told(indelible, 'p')).toEqual(['final_result_message Ann: Done.']);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'completed' });
  });

  test('is tried again where only the status of the plan could not be written', async () => {
    let refusals = 3;
    const { indelible } = temporaryLog(impatient, (store) => {
      const { store: faulty, faults } = withFaults(store);
      faults.script = ({ name }) => (name === 'runs.end' && refusals-- > 0 ? 'unavailable' : 'none');
      return faulty;
    });
    const runner = new Runner(indelible, [team(async () => done)]);
    const { ended } = await runner.start({ description: 'Insist', planId: 'p' });
    expect(await ended).toBe('completed');
    expect(refusals).toBe(-1);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'completed' });
  });

  test('is given up when the process stops: the plan is as it was, neither completed nor failed', async () => {
    const away = new Set<string>();
    const { indelible, events } = temporaryLog(impatient, flaky(away));
    const runner = new Runner(indelible, [
      team(async () => {
        away.add('p');
        return done;
      }),
    ]);
    const seen = await watch(indelible, 'p');
    const { ended } = await runner.start({ description: 'Wait', planId: 'p' });
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: 'message_late' })));
    await runner.close(60_000);
    expect(await ended).toBe('in_progress');
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'in_progress' });
    expect(events.filter(({ type }) => type === 'run_completed')).toEqual([]);
    expect(seen.filter((one) => 'type' in one && one.type === 'error_notification')).toEqual([]);
    away.delete('p'); // What waits in memory is stored when the log is closed.
  });
});

describe('close()', () => {
  test('stops the runs that heed their signal: they have failed, and their plans say so', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [obedient]);
    const runs = await Promise.all(['a', 'b'].map((planId) => runner.start({ description: 'For ever', planId })));
    await runner.close(60_000);
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual(['failed', 'failed']);
    for (const planId of ['a', 'b']) {
      expect(await told(indelible, planId)).toEqual([
        'final_result_message System: The run failed: the process was asked to stop',
      ]);
      expect(await indelible.store.plans.find(planId)).toMatchObject({ status: 'failed' });
    }
  });

  test('does not wait for ever for a run that does not heed its signal', async () => {
    const { indelible } = temporaryLog();
    let finish = (_result: FinalResult) => {};
    const deaf = team(() => new Promise((resolve) => (finish = resolve)));
    const runner = new Runner(indelible, [deaf]);
    const { ended, plan } = await runner.start({ description: 'For ever' });
    await runner.close(10);
    expect(await indelible.store.plans.find(plan.planId)).toMatchObject({ status: 'in_progress' });
    finish(done);
    await ended;
  });

  test('lets no run begin after it, and waits for one that is just being started', async () => {
    const { indelible } = temporaryLog();
    let begun = 0;
    const runner = new Runner(indelible, [
      team(async () => {
        begun++;
        return done;
      }),
    ]);
    const starting = runner.start({ description: 'Just in time', planId: 'p' });
    await runner.close(60_000);
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'failed', messageCount: 1 });
    expect(await (await starting).ended).toBe('failed');
    expect(begun).toBe(0);
    await expect(runner.start({ description: 'Too late' })).rejects.toMatchObject({ code: 'service_closed' });
  });
});
