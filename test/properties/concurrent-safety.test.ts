import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { History } from '../../src/testing/index.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { freshPlanId } from './performing.ts';
import { property } from './property.ts';
import { readPlan } from './reading.ts';
import type { Done, Update, Work } from './savingProcess.ts';
import { anyText } from './saying.ts';

const processes = 3;
const plans = 2;

/** Few ids and few texts: the same id is saved by several, with the same content and with another. */
const anySave = fc.record({
  plan: fc.nat({ max: plans - 1 }),
  messageId: fc.oneof(fc.nat({ max: 8 }).map(String), fc.uuid()),
  agentName: fc.constantFrom('one', 'other'),
  content: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('yes', 'no') }, { weight: 1, arbitrary: anyText }),
});
const anyWork = fc.record({
  waves: fc.array(fc.array(anySave, { minLength: 1, maxLength: 3 }), { maxLength: 8, size: 'max' }),
  updatedVersions: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }),
});

describe.each(storesUnderTest)('on $name', ({ create }) => {
  let database: Database;
  let reader: Store;
  let children: ChildProcess[];
  beforeAll(async () => {
    database = await create();
    reader = await database.open();
    const program = fileURLToPath(new URL('savingProcess.ts', import.meta.url));
    children = Array.from({ length: processes }, () =>
      fork(program, [database.address], { serialization: 'advanced' }),
    );
    await Promise.all(children.map((child) => once(child, 'message')));
  });
  afterAll(async () => {
    const gone = children.map((child) => once(child, 'exit'));
    for (const child of children) child.disconnect();
    await Promise.all(gone);
    await database.drop();
  });

  async function work(child: ChildProcess, given: Work): Promise<Done> {
    const done = once(child, 'message');
    child.send(given);
    return (await done)[0] as Done;
  }

  property(
    'Concurrent safety: several processes that save and update at the same time leave each id once and each plan ' +
      'without a gap; who was first is told so, and so is everybody else. (2.3)',
    [fc.array(anyWork, { minLength: processes, maxLength: processes })],
    async (works) => {
      const planIds = Array.from({ length: plans }, () => freshPlanId());
      const edited = freshPlanId('edited');
      const [child] = children as [ChildProcess];
      const first = { planId: edited, messageId: 'm', agentName: 'agent', content: 'first' };
      await work(child, { waves: [[first]], updates: [] });

      const history = new History();
      const submitted = works.map(({ waves }, index) =>
        waves.map((wave) =>
          wave.map(({ plan, ...message }) =>
            history.submit(`process ${index}`, { ...message, planId: planIds[plan] as string }),
          ),
        ),
      );
      const updates = works.map(({ updatedVersions }, index) =>
        updatedVersions.map((expectedVersion, place): Update => {
          return { planId: edited, messageId: 'm', expectedVersion, content: `by ${index}.${place}` };
        }),
      );
      const done = await Promise.all(
        children.map((one, index) => {
          const waves = submitted[index]?.map((wave) => wave.map(({ message }) => message)) as Work['waves'];
          return work(one, { waves, updates: updates[index] ?? [] });
        }),
      );

      done.forEach(({ saves }, index) => {
        saves.forEach(({ status, sequence, code }, place) => {
          const submission = submitted[index]?.flat()[place];
          if (status === 'stored') submission?.acknowledged(sequence);
          else if (code === 'message_conflict') submission?.refused(code);
          else expect.fail(`a save was answered ${status}, ${code}`);
        });
      });
      await history.verify(reader.log);
      // Each id was new to exactly one of those who saved it.
      const newOnes = done.flatMap(({ saves }) =>
        saves.filter(({ status, duplicate }) => status === 'stored' && !duplicate),
      );
      const rows = (await Promise.all(planIds.map((planId) => readPlan(reader, planId)))).flat();
      expect(newOnes).toHaveLength(rows.length);

      const winners = done.flatMap((one, index) =>
        one.updates.flatMap(({ status, version }, place) =>
          status === 'updated' ? [{ version, ...(updates[index]?.[place] as Update) }] : [],
        ),
      );
      const byVersion = winners.toSorted((one, other) => (one.version ?? 0) - (other.version ?? 0));
      expect(byVersion.map(({ version }) => version)).toEqual(winners.map((_, index) => index + 2));
      expect(byVersion.map(({ expectedVersion }) => expectedVersion)).toEqual(winners.map((_, index) => index + 1));
      const [now] = await readPlan(reader, edited);
      expect(now).toMatchObject({ version: winners.length + 1, content: byVersion.at(-1)?.content ?? 'first' });
      // Had nobody won although somebody asked for the version that stood, somebody was told a wrong reason.
      const reasons = done.flatMap((one) => one.updates.flatMap(({ code }) => (code === undefined ? [] : [code])));
      expect(reasons.filter((code) => code !== 'version_conflict' && code !== 'store_unavailable')).toEqual([]);
      const asked = updates.flat().some(({ expectedVersion }) => expectedVersion === 1);
      if (asked && !reasons.includes('store_unavailable')) expect(winners.length).toBeGreaterThan(0);
    },
  );
});
