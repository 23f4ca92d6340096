import { describe, expect, it } from 'vitest';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import { databaseOfTest, execute, migrated, storeOfTest } from './database.ts';
import { patientService } from './load.ts';
import { stateOf } from './outages.ts';

/** All that PostgreSQL says about itself: whoever waits and calls again may be served. */
const outages = [
  ['08000', '08003', '08006', '08P01', '0A000', '25006', '25P02', '25P03', '25P04', '26000', '28000', '28P01'],
  ['3D000', '3F000', '40001', '40003', '40P01', '42501', '42703', '42883', '42P01', '42P05', '42P10'],
  ['53000', '53100', '53200', '53300', '53400', '54000', '55000', '55006', '55P03', '57000', '57014', '57P01'],
  ['57P02', '57P03', '57P04', '57P05', '58000', '58030', 'F0000', 'XX000'],
].flat();

/** About what was sent, or about a page that nobody can read any more. */
const refusals = [
  '21000',
  '22021',
  '22P02',
  '22P05',
  '23502',
  '23514',
  '44000',
  '54001',
  'P0001',
  'XX001',
  'XX002',
  '99999',
];

describe('P18: of the states that PostgreSQL may answer', () => {
  it('those about itself are an outage: the message waits and is stored', async () => {
    const url = await failingOnDemand();
    const { log } = await storeOfTest(url);
    const told: (string | undefined)[] = [];
    const service = patientService(log, (event) => {
      if (event.type !== 'batch_retried') return;
      told.push(stateOf(event.error));
      void execute(url, 'DELETE FROM fault');
    });
    for (const state of outages) {
      await execute(url, `INSERT INTO fault VALUES ('${state}')`);
      const result = await service.save({ planId: 'plan', messageId: state, agentName: 'agent', content: state });
      expect(result, state).toMatchObject({ status: 'stored', duplicate: false });
    }
    expect([...new Set(told)]).toEqual(outages);
  });

  it('those about what was sent are a final no, and the next message goes the same way at once', async () => {
    const url = await failingOnDemand();
    const { log } = await storeOfTest(url);
    for (const state of refusals) {
      await execute(url, `INSERT INTO fault VALUES ('${state}')`);
      await expect(log.append([sample(state)]), state).rejects.toMatchObject({ code: 'store_refused' });
      await execute(url, 'DELETE FROM fault');
      expect(await log.append([sample(`after ${state}`)])).toMatchObject([{ status: 'stored' }]);
    }
  });

  it('one that is about one message keeps only that one out, and the others keep their order', async () => {
    const { url } = await databaseOfTest();
    await migrated(url);
    await execute(url, `ALTER TABLE indelible.messages ADD CHECK (message_id NOT LIKE 'poison%')`);
    const { log } = await storeOfTest(url);
    const service = patientService(log);
    const ids = Array.from({ length: 200 }, (_, index) => (index % 17 === 3 ? `poison${index}` : `m${index}`));
    const results = await service.saveAll(
      ids.map((messageId) => ({ planId: 'plan', messageId, agentName: 'agent', content: messageId })),
    );
    expect(results.map(({ status }) => status)).toEqual(
      ids.map((id) => (id.startsWith('poison') ? 'refused' : 'stored')),
    );
    const messages = await service.getMessagesForPlan('plan');
    expect(messages.map(({ messageId }) => messageId)).toEqual(ids.filter((id) => !id.startsWith('poison')));
  });
});

/** A database that refuses messages with the state that is in the table `fault`, if there is one. */
async function failingOnDemand(): Promise<string> {
  const { url } = await databaseOfTest();
  await migrated(url);
  await execute(
    url,
    'CREATE TABLE fault (state text)',
    `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
       DECLARE wanted text;
       BEGIN
         SELECT state INTO wanted FROM fault;
         IF FOUND THEN RAISE EXCEPTION 'injected' USING ERRCODE = wanted; END IF;
         RETURN NULL;
       END $$`,
    'CREATE TRIGGER fail AFTER INSERT ON indelible.messages FOR EACH STATEMENT EXECUTE FUNCTION fail()',
  );
  return url;
}
