import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import type { RunContext, Team } from '../../src/runs/team.ts';
import { demoApprovalTeam } from '../../src/runs/teams/demoApproval.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

const ann = { userId: 'ann' };
const plain = (run: Team['run'], more: Partial<Team> = {}): Team => {
  return { id: 'team', name: 'Team', description: '', agents: [{ name: 'Ann', description: 'Works' }], run, ...more };
};
const done = { agentName: 'Ann', content: 'Done.' };
/** Until it is told to stop. */
const forEver = ({ signal }: RunContext) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const quick = { beatMs: 50, buryAfterMs: 1_000 };

describe.each(storesUnderTest)('people in a run, on $name', ({ create }) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** Servers on one database, each with a connection of its own. */
  async function servers(count: number, team: Team) {
    const database = await create();
    closing.push(() => database.drop());
    const opened = [];
    for (let index = 0; index < count; index++) {
      const indelible = new Indelible(await database.open());
      closing.push(() => indelible.close());
      const runner = new Runner(indelible, [team], quick);
      closing.push(() => runner.close());
      opened.push({ indelible, runner });
    }
    const { indelible } = opened[0]!;
    const status = async () => (await indelible.store.plans.find('p'))?.status;
    const until = (expected: string) => vi.waitFor(async () => expect(await status()).toBe(expected), 8_000);
    const told = async () =>
      (await indelible.persistence.getMessagesForPlan('p')).map(({ type, content }) => `${type}: ${content}`);
    return { runners: opened.map(({ runner }) => runner), indelible, status, until, told };
  }

  test('the first of 50 answers at once counts, at two servers; the others are told so', async () => {
    const { runners, until, told } = await servers(2, demoApprovalTeam);
    await (await runners[0]!.start({ description: 'Greet', planId: 'p' })).ended;
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        runners[index % 2]!.answer('p', { userId: `user ${index}`, approved: true, text: `from ${index}` }),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'taken')).toHaveLength(1);
    expect(outcomes.every(({ outcome }) => ['taken', 'answered', 'not_asked'].includes(outcome))).toBe(true);
    await until('pending_clarification');
    await runners[1]!.answer('p', { ...ann, text: 'Bob' });
    await until('completed');
    const winner = outcomes.findIndex(({ outcome }) => outcome === 'taken');
    const lines = await told();
    expect(lines.filter((line) => line.startsWith('plan_approval_response'))).toEqual([
      `plan_approval_response: from ${winner}`,
    ]);
    expect(lines.at(-1)).toBe('final_result_message: Hello, Bob! Your answer was stored before we heard it.');
    expect(lines).toHaveLength(7);
  });

  test('an answer given again, or to another question, or to what asks nothing, changes nothing', async () => {
    const { runners, until } = await servers(1, demoApprovalTeam);
    const [runner] = runners as [Runner];
    expect(await runner.answer('p', { ...ann, text: 'yes' })).toEqual({ outcome: 'no_run' });
    await (await runner.start({ description: 'Greet', planId: 'p' })).ended;
    expect(await runner.answer('p', { ...ann, requestId: 'other', text: 'yes' })).toEqual({ outcome: 'not_asked' });
    const first = await runner.answer('p', { ...ann, text: ' Yes ' });
    expect(first).toMatchObject({ outcome: 'taken', approved: true });
    const { requestId } = (first as { request: { requestId: string } }).request;
    const again = await runner.answer('p', { ...ann, requestId, text: 'yes' });
    expect(['answered', 'not_asked']).toContain(again.outcome);
    await until('pending_clarification');
    await runner.answer('p', { ...ann, text: 'Bob' });
    await until('completed');
    expect(['answered', 'not_asked']).toContain((await runner.answer('p', { ...ann, text: 'Eve' })).outcome);
  });

  test.each([
    ['rejected explicitly', { approved: false, text: 'too dear' }, 'The plan was rejected: too dear'],
    ['refused by a word', { text: 'No' }, 'The plan was rejected.'],
  ])('a plan %s is rejected, its team never begins', async (_how, said, last) => {
    let begun = 0;
    const team = plain(
      async () => {
        begun++;
        return done;
      },
      { needsApproval: true },
    );
    const { runners, until, told } = await servers(1, team);
    expect(await (await runners[0]!.start({ description: 'Buy', planId: 'p' })).ended).toBe('pending_approval');
    expect(await runners[0]!.answer('p', { ...ann, ...said })).toMatchObject({ outcome: 'taken', approved: false });
    await until('rejected');
    expect(begun).toBe(0);
    expect((await told())[0]).toBe('plan_approval_request: Please approve this plan: Buy\n\n1. Ann: Works');
    expect((await told()).at(-1)).toBe(`final_result_message: ${last}`);
  });

  test('a plan that was rejected is never called approved, nor in progress, until its end is stored', async () => {
    const team = plain(async () => done, { needsApproval: true });
    const { runners, until, status } = await servers(1, team);
    await (await runners[0]!.start({ description: 'Buy', planId: 'p' })).ended;
    const caller = Promise.withResolvers<void>();
    await runners[0]!.answer('p', { ...ann, approved: false, callerAnswered: caller.promise });
    expect(await status()).toBe('pending');
    caller.resolve();
    await until('rejected');
  });

  test('what is said instead of an approval is a part of the task, and the plan begins with it', async () => {
    let heard = '';
    const team = plain(
      async ({ description }) => {
        heard = description;
        return done;
      },
      { needsApproval: true, plan: async () => ({ facts: 'Known.', steps: [{ agent: 'Ann', action: 'Buys' }] }) },
    );
    const { runners, until } = await servers(1, team);
    await (await runners[0]!.start({ description: 'Buy', planId: 'p' })).ended;
    await runners[0]!.answer('p', { ...ann, text: 'I know a cheaper one' });
    await until('completed');
    expect(heard).toBe('Buy\n\nFeedback on the plan: I know a cheaper one');
  });

  test('the run goes on when the caller has been answered, at the latest after a second', async () => {
    const { runners, until, status } = await servers(1, demoApprovalTeam);
    await (await runners[0]!.start({ description: 'Greet', planId: 'p' })).ended;
    let answered = () => {};
    const callerAnswered = new Promise<void>((resolve) => {
      answered = resolve;
    });
    await runners[0]!.answer('p', { ...ann, text: 'ok', callerAnswered });
    await sleep(200);
    expect(await status()).toBe('approved');
    answered();
    await until('pending_clarification');
    await runners[0]!.answer('p', { ...ann, text: 'Bob', callerAnswered: new Promise(() => {}) });
    await until('completed');
  });

  test('an answer at a process without the team is recorded, and the run goes on where the team is', async () => {
    const { runners, indelible, until } = await servers(1, demoApprovalTeam);
    await (await runners[0]!.start({ description: 'Greet', planId: 'p' })).ended;
    const elsewhere = new Runner(indelible, [plain(async () => done)], quick);
    closing.push(() => elsewhere.close());
    expect(await elsewhere.answer('p', { ...ann, text: 'ok' })).toMatchObject({ outcome: 'taken' });
    expect(await indelible.store.runs.find('p')).toMatchObject({ state: 'working', owner: undefined });
    runners[0]!.takeUp();
    await until('pending_clarification');
  });

  test.each<[string, Partial<Team>]>([
    ['has too much to say', { name: 'A'.repeat(300), needsApproval: true }],
    ['plans no steps', { needsApproval: true, plan: async () => ({}) as never }],
    [
      'asks what is no text',
      { repeatable: true, run: ({ ask }) => ask({ kind: 'clarification', question: 7 } as never) as never },
    ],
  ])(
    'a run whose team %s has failed where its question cannot be stored, and is not begun for ever',
    async (_what, more) => {
      const { runners, told } = await servers(
        1,
        plain(async () => done, more),
      );
      const { ended } = await runners[0]!.start({ description: 'Ask', planId: 'p' });
      expect(await ended).toBe('failed');
      expect(await told()).toEqual([expect.stringContaining('final_result_message: The run failed: ')]);
    },
  );

  describe('cancel', () => {
    test('of a run that is worked on here ends it at once', async () => {
      const { runners, status, told } = await servers(1, plain(forEver));
      const { ended } = await runners[0]!.start({ description: 'Wait', planId: 'p' });
      expect(await runners[0]!.cancel('p')).toBe('canceled');
      expect(await ended).toBe('canceled');
      expect(await status()).toBe('canceled');
      expect(await told()).toEqual(['final_result_message: The run was canceled.']);
      expect(await runners[0]!.cancel('p')).toBe('ended');
    });

    test('of a run that is worked on elsewhere ends it within a beat', async () => {
      const { runners, until, told } = await servers(2, plain(forEver));
      await runners[0]!.start({ description: 'Wait', planId: 'p' });
      expect(await runners[1]!.cancel('p')).toBe('canceled');
      await until('canceled');
      expect(await told()).toEqual(['final_result_message: The run was canceled.']);
    });

    test('of a run that waits for a person ends it; an answer comes too late', async () => {
      const { runners, status, told } = await servers(2, demoApprovalTeam);
      await (await runners[0]!.start({ description: 'Greet', planId: 'p' })).ended;
      expect(await runners[1]!.cancel('p')).toBe('canceled');
      expect(await status()).toBe('canceled');
      expect((await runners[0]!.answer('p', { ...ann, text: 'ok' })).outcome).toBe('not_asked');
      expect((await told()).at(-1)).toBe('final_result_message: The run was canceled.');
    });

    test('of a run that is just about to ask ends it, whoever works on it: it does not wait for ever', async () => {
      const asks = Promise.withResolvers<void>();
      const asking = plain(
        async ({ ask }) => {
          await asks.promise;
          await ask({ kind: 'clarification', question: 'Where to?' });
          return done;
        },
        { repeatable: true },
      );
      const { runners, indelible, until, told } = await servers(2, asking);
      await runners[0]!.start({ description: 'Ask', planId: 'p' });
      await indelible.store.runs.cancel('p', 'another server');
      asks.resolve();
      await until('canceled');
      expect((await told()).at(-1)).toBe('final_result_message: The run was canceled.');
    });

    test('of what has ended, or never was a run, says so', async () => {
      const { runners, indelible, status } = await servers(
        1,
        plain(async () => done),
      );
      await (await runners[0]!.start({ description: 'Work', planId: 'p' })).ended;
      expect(await runners[0]!.cancel('p')).toBe('ended');
      expect(await status()).toBe('completed');
      await indelible.save({ planId: 'written', agentName: 'Ann', content: 'Hi' });
      expect(await runners[0]!.cancel('written')).toBe('no_run');
      expect(await runners[0]!.cancel('ghost')).toBe('no_run');
    });

    test('does not wait for ever for a team that plans and does not heed it', async () => {
      const deaf = plain(async () => done, { needsApproval: true, plan: () => new Promise(() => {}) });
      const { runners, until } = await servers(1, deaf);
      await runners[0]!.start({ description: 'Wait', planId: 'p' });
      await runners[0]!.cancel('p');
      await until('canceled');
    });

    test('does not wait for ever for a team that does not heed it, and lets it say nothing more', async () => {
      let say: RunContext['say'] | undefined;
      const deaf = plain((context) => {
        say = context.say;
        return new Promise(() => {});
      });
      const { runners, until, told } = await servers(1, deaf);
      await runners[0]!.start({ description: 'Wait', planId: 'p' });
      await runners[0]!.cancel('p');
      await until('canceled');
      await say?.({ agentName: 'Ann', content: 'I go on!' });
      expect(await told()).toEqual(['final_result_message: The run was canceled.']);
    });
  });
});

describe('a run whose process is gone', () => {
  async function twoServers(team: Team) {
    const database = await storesUnderTest[0]!.create();
    onTestFinished(() => database.drop());
    const open = async () => {
      const indelible = new Indelible(await database.open());
      const runner = new Runner(indelible, [team], quick);
      onTestFinished(async () => {
        await runner.close();
        await indelible.close();
      });
      return { indelible, runner };
    };
    return { first: await open(), second: await open() };
  }

  /** What is left of a process that was killed. */
  async function abandon({ store }: Indelible): Promise<void> {
    const { owner = '' } = (await store.runs.find('p')) ?? {};
    const { beat = 0 } = (await store.runs.owners()).find((one) => one.owner === owner) ?? {};
    await store.runs.bury(owner, beat);
  }

  test('is begun again if its team is repeatable: what is said again is in the log once', async () => {
    let runs = 0;
    const team = plain(
      async (context) => {
        const run = ++runs;
        for (const content of ['One', 'Two', 'Two']) await context.say({ agentName: 'Ann', content });
        if (run === 1) await forEver(context);
        await context.say({ agentName: 'Ann', content: 'Three' });
        return done;
      },
      { repeatable: true },
    );
    const { first, second } = await twoServers(team);
    const { ended } = await first.runner.start({ description: 'Count', planId: 'p' });
    await vi.waitFor(async () => expect((await first.indelible.store.plans.find('p'))?.messageCount).toBe(3));
    await abandon(first.indelible);
    second.runner.takeUp();
    await vi.waitFor(
      async () => expect((await second.indelible.store.plans.find('p'))?.status).toBe('completed'),
      8_000,
    );
    expect(await ended).toBe('in_progress');
    const messages = await second.indelible.persistence.getMessagesForPlan('p');
    expect(messages.map(({ content }) => content)).toEqual(['One', 'Two', 'Two', 'Three', 'Done.']);
  });

  test('stores what its team says without waiting for it before its question, and before its end', async () => {
    const team = plain(
      async ({ say, ask }) => {
        void say({ agentName: 'Ann', content: 'One.' });
        await ask({ kind: 'clarification', question: 'Where to?' });
        void say({ agentName: 'Ann', content: 'Two.' });
        await ask({ kind: 'clarification', question: 'When?' });
        void say({ agentName: 'Ann', content: 'Three.' });
        return done;
      },
      { repeatable: true },
    );
    const { first, second } = await twoServers(team);
    const until = (status: string) =>
      vi.waitFor(async () => expect((await second.indelible.store.plans.find('p'))?.status).toBe(status), 8_000);
    await (await first.runner.start({ description: 'Walk', planId: 'p' })).ended;
    await second.runner.answer('p', { ...ann, text: 'North' });
    await until('pending_clarification');
    await first.runner.answer('p', { ...ann, text: 'Now' });
    await until('completed');
    const said = (await second.indelible.persistence.getMessagesForPlan('p')).map(({ content }) => content);
    expect(said).toEqual(['One.', 'Where to?', 'North', 'Two.', 'When?', 'Now', 'Three.', 'Done.']);
  });

  test('has failed if its team can only begin once, and says so', async () => {
    let runs = 0;
    const team = plain(async (context) => {
      runs++;
      await context.say({ agentName: 'Ann', content: 'One' });
      return await forEver(context);
    });
    const { first, second } = await twoServers(team);
    await first.runner.start({ description: 'Count', planId: 'p' });
    await vi.waitFor(async () => expect((await first.indelible.store.plans.find('p'))?.messageCount).toBe(1));
    await abandon(first.indelible);
    second.runner.takeUp();
    await vi.waitFor(async () => expect((await second.indelible.store.plans.find('p'))?.status).toBe('failed'), 8_000);
    expect(runs).toBe(1);
    const messages = await second.indelible.persistence.getMessagesForPlan('p');
    expect(messages.at(-1)).toMatchObject({ content: 'The run failed: the process that worked on it died' });
  });

  test('keeps the end that was said before the process died', async () => {
    let runs = 0;
    const team = plain(async () => {
      runs++;
      return done;
    });
    const { first, second } = await twoServers(team);
    const { runs: records } = first.indelible.store;
    const created = { planId: 'p', sessionId: 's', userId: 'u', teamId: 'team', description: 'd' } as const;
    await records.join('dead');
    await records.begin({ ...created, status: 'in_progress', createdAt: new Date().toISOString() }, 'dead');
    await first.indelible.save({
      planId: 'p',
      messageId: 'final-p',
      agentName: 'Ann',
      content: 'Done.',
      type: 'final_result_message',
      metadata: { status: 'completed' },
    });
    await records.leave('dead');
    second.runner.takeUp();
    await vi.waitFor(
      async () => expect((await second.indelible.store.plans.find('p'))?.status).toBe('completed'),
      8_000,
    );
    expect(runs).toBe(0);
  });

  test('is worked on here if only the answer that it is ours was lost', async () => {
    const { first } = await twoServers(plain(async () => done));
    first.runner.takeUp();
    await vi.waitFor(async () => expect(await first.indelible.store.runs.owners()).toHaveLength(1));
    const owner = (await first.indelible.store.runs.owners())[0]!.owner;
    const created = { planId: 'p', sessionId: 's', userId: 'u', teamId: 'team', description: 'd' } as const;
    await first.indelible.store.runs.begin(
      { ...created, status: 'in_progress', createdAt: new Date().toISOString() },
      owner,
    );
    await vi.waitFor(
      async () => expect((await first.indelible.store.plans.find('p'))?.status).toBe('completed'),
      8_000,
    );
  });

  test('is worked on here also where its team did not heed that it was lost, and the answer that it is ours again', async () => {
    let runs = 0;
    const team = plain(() => (++runs === 1 ? new Promise(() => {}) : Promise.resolve(done)), { repeatable: true });
    const { first } = await twoServers(team);
    const { store } = first.indelible;
    await first.runner.start({ description: 'Work', planId: 'p' });
    await vi.waitFor(() => expect(runs).toBe(1));
    await abandon(first.indelible);
    await vi.waitFor(async () => expect(await store.runs.owners()).toHaveLength(1));
    expect(await store.runs.take((await store.runs.owners())[0]!.owner, ['team'], 1)).toHaveLength(1);
    await vi.waitFor(async () => expect((await store.plans.find('p'))?.status).toBe('completed'), 8_000);
  });
});
