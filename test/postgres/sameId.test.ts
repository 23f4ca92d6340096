import { describe, expect, it } from 'vitest';
import { History } from '../../src/testing/history.ts';
import { databaseOfTest, execute, migrated, storeOfTest } from './database.ts';
import { patientService } from './load.ts';
import { saveSameId } from './sameId.ts';
import { seed } from './seed.ts';
import { violationsOf } from './violationsOf.ts';

describe('P6: the same id saved by 100 at once through two instances', () => {
  it('is stored by one; all with the same content are told its place, the others that it is a conflict', async () => {
    const { url } = await databaseOfTest();
    const logs = [(await storeOfTest(url)).log, (await storeOfTest(url)).log];
    expect(await saveSameId(logs, 10, seed), `SEED=${seed}`).toEqual([]);
  });

  it('has one place for all who save it through their services, once and again later', async () => {
    const { url } = await databaseOfTest();
    const services = [patientService((await storeOfTest(url)).log), patientService((await storeOfTest(url)).log)];
    const history = new History();
    const save = (round: string) =>
      Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const message = { planId: 'plan', messageId: `m${index % 5}`, agentName: 'agent', content: 'said once' };
          const submission = history.submit(`${round} ${index}`, message);
          const result = await (services[index % 2] as (typeof services)[number]).save(message);
          submission.settle(result);
          return result.status === 'stored' && !result.duplicate;
        }),
      );
    expect((await save('first')).filter((isNew) => isNew)).toHaveLength(5);
    expect((await save('again')).filter((isNew) => isNew)).toHaveLength(0);
    expect(history.counts()).toEqual({ acknowledged: 200, refused: 0, unknown: 0 });
    expect(await violationsOf(history, url)).toEqual([]);
  });

  it('control: without the unique id the same test finds many who were told that they stored it', async () => {
    const { url } = await databaseOfTest();
    await migrated(url);
    await execute(url, 'ALTER TABLE indelible.messages DROP CONSTRAINT messages_by_id');
    const logs = [(await storeOfTest(url)).log, (await storeOfTest(url)).log];
    expect((await saveSameId(logs, 1, seed)).join('\n')).toMatch(/calls were told that they stored it/);
  });
});
